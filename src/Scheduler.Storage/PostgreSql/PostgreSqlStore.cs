using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using Scheduler.Domain.Storage;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.PostgreSql;

/// <summary>
/// The database that the silos of a cluster share. Reads and writes of grain states are batched
/// (<see cref="PostgreSqlStates"/>); lists and other statements use pooled connections.
/// </summary>
public sealed class PostgreSqlStore : ISqlStore, IStatementRunner, IAsyncDisposable
{
    private readonly PostgreSqlStates _states;
    private readonly string _readState;
    private readonly string _writeState;
    private int _disposed;

    private PostgreSqlStore(NpgsqlDataSource pool, PostgreSqlOptions options, string readState, string writeState)
    {
        Pool = pool;
        _readState = readState;
        _writeState = writeState;
        _states = new PostgreSqlStates(options.Resolved(), options.MaxBatch);
    }

    /// <summary>Connection pool for cluster membership and lists.</summary>
    public NpgsqlDataSource Pool { get; }

    public int Waiting => _states.Waiting;

    public long Commits => _states.Commits;

    public long Statements => _states.Statements;

    /// <exception cref="StorageUnusableException">The database cannot be used; it was not changed.</exception>
    public static PostgreSqlStore Open(StorageOptions options, TimeProvider clock, ILogger? logger = null)
    {
        logger ??= NullLogger.Instance;
        var pool = NpgsqlDataSource.Create(PoolOf(options.PostgreSql.Resolved()));
        try
        {
            var version = PostgreSqlSchema.Apply(pool, options.PostgreSql.Migrate, clock, logger).To;
            var queries = PostgreSqlSchema.ReadQueries(pool);
            logger.Connected(PostgreSqlSchema.NameOf(pool), version);
            return new PostgreSqlStore(
                pool,
                options.PostgreSql,
                queries["ReadFromStorageKey"],
                queries["WriteToStorageKey"]
            );
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            pool.Dispose();
            throw PostgreSqlSchema.Unusable(exception);
        }
        catch
        {
            pool.Dispose();
            throw;
        }
    }

    /// <summary>Creates or upgrades the schema, even if <see cref="PostgreSqlOptions.Migrate"/> is false.</summary>
    internal static SchemaChange Migrate(StorageOptions options, TimeProvider clock, ILogger logger)
    {
        using var pool = NpgsqlDataSource.Create(PoolOf(options.PostgreSql.Resolved()));
        try
        {
            return PostgreSqlSchema.Apply(pool, migrate: true, clock, logger);
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            throw PostgreSqlSchema.Unusable(exception);
        }
    }

    /// <summary>Runs all waiting work, then closes all connections.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
        {
            return;
        }

        await _states.DisposeAsync();
        await Pool.DisposeAsync();
    }

    async Task<List<T>> ISqlStore.ListAsync<T>(
        string sql,
        SqlValue[] values,
        Func<ISqlRow, T> map,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await using var command = Pool.CreateCommand(sql);
            command.Parameters.AddRange(Parameters(values));
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var row = new PostgreSqlRow(reader);
            var rows = new List<T>();
            while (await reader.ReadAsync(cancellationToken))
            {
                rows.Add(map(row));
            }

            return rows;
        }
        catch (Exception exception) when (exception is NpgsqlException or IOException or TimeoutException)
        {
            throw new StorageException($"The database could not be read ({exception.Message}).", exception);
        }
    }

    List<T> ISqlStore.List<T>(string sql, Func<ISqlRow, T> map)
    {
        try
        {
            using var command = Pool.CreateCommand(sql);
            using var reader = command.ExecuteReader();
            var row = new PostgreSqlRow(reader);
            var rows = new List<T>();
            while (reader.Read())
            {
                rows.Add(map(row));
            }

            return rows;
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException)
        {
            throw PostgreSqlSchema.Unusable(exception);
        }
    }

    async Task ISqlStore.ExecuteTogetherAsync(
        IReadOnlyList<(string Sql, SqlValue[] Values)> statements,
        CancellationToken cancellationToken
    )
    {
        // A batch without an explicit transaction runs in one implicit transaction.
        await using var batch = Pool.CreateBatch();
        foreach (var (sql, values) in statements)
        {
            var command = new NpgsqlBatchCommand(sql);
            command.Parameters.AddRange(Parameters(values));
            batch.BatchCommands.Add(command);
        }

        try
        {
            await batch.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (Exception exception) when (exception is NpgsqlException or IOException or TimeoutException)
        {
            throw PostgreSqlErrors.Describe(exception);
        }
    }

    async Task<BufferedDataReader> IStatementRunner.RunAsync(
        string sql,
        SqlValue[] values,
        CancellationToken cancellationToken
    )
    {
        if (string.Equals(sql, _writeState, StringComparison.Ordinal))
        {
            var payload = Encoding.UTF8.GetString((byte[])ValueOf(values, "PayloadBinary")!);
            var write = new PostgreSqlStates.Write(
                KeyOf(values),
                ValueOf(values, "GrainStateVersion") as int?,
                payload
            );
            var version = await _states.WriteAsync(write, cancellationToken);
            return new BufferedDataReader(
                ["NewGrainStateVersion"],
                version is null
                    ? []
                    :
                    [
                        [version.Value],
                    ]
            );
        }

        if (string.Equals(sql, _readState, StringComparison.Ordinal))
        {
            var found = await _states.ReadAsync(KeyOf(values), cancellationToken);
            return new BufferedDataReader(
                ["PayloadBinary", "Version"],
                found is null
                    ? []
                    :
                    [
                        [found.Payload ?? (object)DBNull.Value, found.Version],
                    ]
            );
        }

        return await RunAloneAsync(sql, values, cancellationToken);
    }

    private async Task<BufferedDataReader> RunAloneAsync(
        string sql,
        SqlValue[] values,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await using var command = Pool.CreateCommand(sql);
            command.Parameters.AddRange(Parameters(values));
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            string[] columns = [.. Enumerable.Range(0, reader.FieldCount).Select(reader.GetName)];
            var rows = new List<object[]>();
            while (await reader.ReadAsync(cancellationToken))
            {
                var row = new object[columns.Length];
                reader.GetValues(row);
                rows.Add(row);
            }

            return new BufferedDataReader(columns, rows);
        }
        catch (NpgsqlException exception)
        {
            throw PostgreSqlErrors.Describe(exception);
        }
    }

    /// <summary>Sessions have no state, so they need no reset; frequent statements stay prepared.</summary>
    private static string PoolOf(string connectionString) =>
        new NpgsqlConnectionStringBuilder(connectionString)
        {
            NoResetOnClose = true,
            MaxAutoPrepare = 40,
        }.ConnectionString;

    private static PostgreSqlStates.Key KeyOf(SqlValue[] values) =>
        new(
            (string)ValueOf(values, "GrainTypeString")!,
            ValueOf(values, "GrainIdExtensionString") as string ?? "",
            (long)ValueOf(values, "GrainIdN0")!,
            (long)ValueOf(values, "GrainIdN1")!
        );

    private static object? ValueOf(SqlValue[] values, string name) =>
        Array.Find(values, value => string.Equals(value.Name, name, StringComparison.Ordinal)).Value;

    private static NpgsqlParameter[] Parameters(SqlValue[] values) =>
        [.. values.Select(value => new NpgsqlParameter(value.Name.TrimStart('@'), value.Value ?? DBNull.Value))];
}
