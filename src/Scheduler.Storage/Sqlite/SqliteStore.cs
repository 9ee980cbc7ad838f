using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Storage.Sql;

namespace Scheduler.Storage.Sqlite;

/// <summary>
/// The open SQLite file: one writer, several readers, and the lock that excludes other processes. All silos of a
/// process share one store.
/// </summary>
public sealed class SqliteStore : ISqlStore, IStatementRunner, IDisposable
{
    private const int ListReaders = 2;

    // 32 MiB of write-ahead log between checkpoints. At the default of 4 MiB the writer would run many checkpoints per
    // second.
    private const string WriterPragmas =
        "PRAGMA busy_timeout=5000; PRAGMA journal_mode=WAL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; "
        + "PRAGMA wal_autocheckpoint=8192; PRAGMA journal_size_limit=67108864; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY; ";

    private const string ReaderPragmas =
        "PRAGMA busy_timeout=5000; PRAGMA query_only=ON; PRAGMA trusted_schema=OFF; PRAGMA cache_size=-16384; PRAGMA temp_store=MEMORY;";

    private readonly SqliteFileLock _lock;
    private readonly SqliteWriter _writer;
    private readonly SqliteReaders _stateReaders;
    private readonly SqliteReaders _listReaders;
    private int _disposed;

    private SqliteStore(string path, SqliteFileLock fileLock, SqliteOptions options, ILogger logger)
    {
        Path = path;
        _lock = fileLock;
        var pragmas = $"{WriterPragmas}PRAGMA synchronous={options.Synchronous};";
        _writer = new SqliteWriter(() => SqliteDatabase.Open(path, readOnly: false, pragmas), options.MaxBatch, logger);
        try
        {
            // Separate threads, so that loading a grain's state does not wait behind a long list query.
            _stateReaders = new SqliteReaders("sqlite-state-reader", 1, OpenReader);
            _listReaders = new SqliteReaders("sqlite-list-reader", ListReaders, OpenReader);
        }
        catch
        {
            _stateReaders?.Dispose();
            _writer.Dispose();
            throw;
        }
    }

    public string Path { get; }

    public long Commits => _writer.Commits;

    public int Waiting => _writer.Waiting;

    public long Statements => _writer.Statements;

    /// <exception cref="StorageUnusableException">The file cannot be used; it was not changed.</exception>
    public static SqliteStore Open(StorageOptions options, TimeProvider clock, ILogger? logger = null)
    {
        logger ??= NullLogger.Instance;
        var path = System.IO.Path.GetFullPath(options.Sqlite.Path);
        var fileLock = SqliteFileLock.Take(path);
        try
        {
            var version = SqliteSchema.Apply(path, WriterPragmas, clock, logger).To;
            var store = new SqliteStore(path, fileLock, options.Sqlite, logger);
            logger.Opened(path, version, options.Sqlite.Synchronous);
            return store;
        }
        catch (SqliteException exception)
        {
            fileLock.Dispose();
            throw SqliteSchema.Unusable(path, exception);
        }
        catch
        {
            fileLock.Dispose();
            throw;
        }
    }

    /// <summary>Creates or upgrades the schema of a file that no process has open.</summary>
    internal static SchemaChange Migrate(StorageOptions options, TimeProvider clock, ILogger logger)
    {
        var path = System.IO.Path.GetFullPath(options.Sqlite.Path);
        using var fileLock = SqliteFileLock.Take(path);
        return SqliteSchema.Apply(path, WriterPragmas, clock, logger);
    }

    /// <summary>Runs all waiting work, checkpoints the write-ahead log, and releases the file.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
        {
            return;
        }

        _listReaders.Dispose();
        _stateReaders.Dispose();
        _writer.Dispose();
        _lock.Dispose();
    }

    /// <summary>Runs on the writer thread, in a transaction with other writes; completes after the commit.</summary>
    internal Task<T> WriteAsync<T>(Func<SqliteDatabase, T> write, CancellationToken cancellationToken) =>
        _writer.RunAsync(write, cancellationToken);

    Task<List<T>> ISqlStore.ListAsync<T>(
        string sql,
        SqlValue[] values,
        Func<ISqlRow, T> map,
        CancellationToken cancellationToken
    ) => _listReaders.RunAsync(database => database.Query(sql, values, map), cancellationToken);

    List<T> ISqlStore.List<T>(string sql, Func<ISqlRow, T> map)
    {
        using var database = OpenReader();
        return database.Query(sql, [], map);
    }

    Task ISqlStore.ExecuteTogetherAsync(
        IReadOnlyList<(string Sql, SqlValue[] Values)> statements,
        CancellationToken cancellationToken
    ) => WriteAsync(database => database.Together(d => ExecuteAll(d, statements)), cancellationToken);

    // Loading a grain's state goes to the state reader; every other statement is a write.
    Task<BufferedDataReader> IStatementRunner.RunAsync(
        string sql,
        SqlValue[] values,
        CancellationToken cancellationToken
    ) =>
        sql.AsSpan().TrimStart().StartsWith("SELECT", StringComparison.OrdinalIgnoreCase)
            ? _stateReaders.RunAsync(database => Run(database, sql, values), cancellationToken)
            : WriteAsync(database => Run(database, sql, values), cancellationToken);

    private static int ExecuteAll(SqliteDatabase database, IReadOnlyList<(string Sql, SqlValue[] Values)> statements) =>
        statements.Sum(statement => database.Execute(statement.Sql, statement.Values));

    private static BufferedDataReader Run(SqliteDatabase database, string sql, SqlValue[] values)
    {
        var statement = database.Prepare(sql);
        var columns = statement.Columns;
        return new BufferedDataReader(columns, statement.Query(values, ReadRow));
    }

    private static object[] ReadRow(SqliteStatement statement)
    {
        var row = new object[statement.Columns.Length];
        for (var i = 0; i < row.Length; i++)
        {
            row[i] = statement.Value(i);
        }

        return row;
    }

    private SqliteDatabase OpenReader() => SqliteDatabase.Open(Path, readOnly: true, ReaderPragmas);
}
