using System.Data.Common;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Scheduler.Storage.Sqlite;

/// <summary>
/// The open SQLite file: one writer, readers, and the lock that keeps every other process out. All silos of one process
/// share one.
/// </summary>
public sealed class SqliteStore : IDisposable
{
    private const int ListReaders = 2;

    // 32 MiB of log between checkpoints: at the default of 4 the writer would fold the log into the file many times a second.
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
            // Loading one grain's state must not wait behind somebody's long list.
            _stateReaders = new SqliteReaders("sqlite-state-reader", 1, OpenReader);
            _listReaders = new SqliteReaders("sqlite-list-reader", ListReaders, OpenReader);
        }
        catch
        {
            _stateReaders?.Dispose();
            _writer.Dispose();
            throw;
        }

        DataSource = new SqliteGroupCommitDataSource(this);
    }

    /// <summary>Full path of the file.</summary>
    public string Path { get; }

    /// <summary>For Orleans' grain storage, with the invariant <c>System.Data.SQLite</c>.</summary>
    public DbDataSource DataSource { get; }

    /// <summary>Commits since the start.</summary>
    public long Commits => _writer.Commits;

    /// <summary>Writes that wait for the writer now.</summary>
    public int Waiting => _writer.Waiting;

    /// <summary>Statements committed since the start.</summary>
    public long Statements => _writer.Statements;

    /// <summary>Opens the file, makes or upgrades its schema, and starts its threads.</summary>
    /// <param name="options">Where and how.</param>
    /// <param name="clock">Stamps schema changes.</param>
    /// <param name="logger">Told of schema changes and of failing commits; null for silence.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">A setting is wrong.</exception>
    /// <exception cref="StorageUnusableException">The file cannot be used; it was left as it is.</exception>
    public static SqliteStore Open(StorageOptions options, TimeProvider clock, ILogger? logger = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        options.ThrowIfFaulty();
        logger ??= NullLogger.Instance;
        var path = System.IO.Path.GetFullPath(options.Sqlite.Path);
        var fileLock = SqliteFileLock.Take(path);
        try
        {
            var version = SqliteSchema.Apply(path, WriterPragmas, clock, logger);
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

    /// <summary>Does what is waiting, folds the log into the file, and lets go of it.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1)
        {
            return;
        }

        _listReaders.Dispose();
        _stateReaders.Dispose();
        _writer.Dispose();
        DataSource.Dispose();
        _lock.Dispose();
    }

    /// <summary>Runs on the writer thread, in a transaction shared with others; complete when that is on the disk.</summary>
    internal Task<T> WriteAsync<T>(Func<SqliteDatabase, T> write, CancellationToken cancellationToken) =>
        _writer.RunAsync(write, cancellationToken);

    /// <summary>Reads one grain's state.</summary>
    internal Task<T> ReadStateAsync<T>(Func<SqliteDatabase, T> read, CancellationToken cancellationToken) =>
        _stateReaders.RunAsync(read, cancellationToken);

    /// <summary>Reads lists.</summary>
    internal Task<T> ReadListAsync<T>(Func<SqliteDatabase, T> read, CancellationToken cancellationToken) =>
        _listReaders.RunAsync(read, cancellationToken);

    private SqliteDatabase OpenReader() => SqliteDatabase.Open(Path, readOnly: true, ReaderPragmas);
}
