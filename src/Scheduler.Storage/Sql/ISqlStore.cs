namespace Scheduler.Storage.Sql;

/// <summary>
/// The open database, as the ports of the memory use it: the same tables and the same SQL on SQLite and on PostgreSQL. Parameters are
/// named with <c>@</c>; one that may be NULL is cast where the SQL compares it with nothing.
/// </summary>
internal interface ISqlStore
{
    /// <summary>Reads rows; sees everything that was acknowledged before.</summary>
    Task<List<T>> ListAsync<T>(
        string sql,
        SqlValue[] values,
        Func<ISqlRow, T> map,
        CancellationToken cancellationToken
    );

    /// <summary>Runs statements that stand or fall together; complete when that is durable.</summary>
    Task ExecuteTogetherAsync(
        IReadOnlyList<(string Sql, SqlValue[] Values)> statements,
        CancellationToken cancellationToken
    );
}
