namespace Scheduler.Storage.Sql;

/// <summary>Runs what Orleans' ADO.NET grain storage would have put to a connection of its own.</summary>
internal interface IStatementRunner
{
    /// <summary>Runs one statement.</summary>
    /// <param name="sql">One of the texts of <c>OrleansQuery</c>, or the one that reads them.</param>
    /// <param name="values">Its parameters, named without their sign.</param>
    /// <param name="cancellationToken">Gives up waiting; what has begun goes on.</param>
    Task<BufferedDataReader> RunAsync(string sql, SqlValue[] values, CancellationToken cancellationToken);
}
