namespace Scheduler.Storage.Sql;

/// <summary>
/// The open database. Tables and SQL are the same on SQLite and on PostgreSQL. Parameter names start with <c>@</c>. A
/// parameter that may be NULL needs a CAST where the SQL does not imply its type.
/// </summary>
internal interface ISqlStore
{
    /// <summary>Reads rows; sees every write that was acknowledged before.</summary>
    Task<List<T>> ListAsync<T>(
        string sql,
        SqlValue[] values,
        Func<ISqlRow, T> map,
        CancellationToken cancellationToken
    );

    /// <summary>Reads rows and blocks until then, on a connection of its own: only for the start of a process.</summary>
    List<T> List<T>(string sql, Func<ISqlRow, T> map);

    /// <summary>Runs statements in one transaction; completes when it is durable.</summary>
    Task ExecuteTogetherAsync(
        IReadOnlyList<(string Sql, SqlValue[] Values)> statements,
        CancellationToken cancellationToken
    );
}
