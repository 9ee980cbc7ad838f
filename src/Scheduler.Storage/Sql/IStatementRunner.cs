namespace Scheduler.Storage.Sql;

/// <summary>Runs the statements of Orleans' ADO.NET grain storage.</summary>
internal interface IStatementRunner
{
    /// <param name="sql">A query text from <c>OrleansQuery</c>, or the query that reads that table.</param>
    /// <param name="values">Parameters, named without the leading <c>@</c>.</param>
    /// <param name="cancellationToken">Stops waiting; a statement that has started continues.</param>
    Task<BufferedDataReader> RunAsync(string sql, SqlValue[] values, CancellationToken cancellationToken);
}
