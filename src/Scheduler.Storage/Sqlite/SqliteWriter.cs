using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Scheduler.Storage.Sqlite;

/// <summary>
/// The one thread that writes. Everything that waits while a commit reaches the disk shares the next commit, so the disk's
/// latency is paid once per batch and not once per write. A result is handed out only after the commit that carries it.
/// </summary>
internal sealed class SqliteWriter : IDisposable
{
    private const int QueueCapacity = 4096;

    private readonly Func<SqliteDatabase> _open;
    private readonly int _maxBatch;
    private readonly ILogger _logger;
    private readonly SqliteWorkQueue _queue = new(QueueCapacity);
    private readonly List<SqliteWork> _batch = [];
    private readonly List<SqliteWork> _done = [];
    private readonly Thread _thread;
    private SqliteDatabase _database;
    private long _commits;
    private long _statements;

    /// <param name="open">Opens the writing connection; called again if it ever breaks.</param>
    /// <param name="maxBatch">Most statements in one commit.</param>
    /// <param name="logger">Told of failed commits.</param>
    public SqliteWriter(Func<SqliteDatabase> open, int maxBatch, ILogger logger)
    {
        _open = open;
        _maxBatch = maxBatch;
        _logger = logger;
        _database = open();
        _thread = new Thread(Run) { IsBackground = true, Name = "sqlite-writer" };
        _thread.Start();
    }

    /// <summary>Commits so far.</summary>
    public long Commits => Interlocked.Read(ref _commits);

    /// <summary>Pieces of work that wait now.</summary>
    public int Waiting => _queue.Count;

    /// <summary>Pieces of work committed so far.</summary>
    public long Statements => Interlocked.Read(ref _statements);

    public Task<T> RunAsync<T>(Func<SqliteDatabase, T> action, CancellationToken cancellationToken) =>
        _queue.RunAsync(action, cancellationToken);

    /// <summary>Does what is waiting, then closes.</summary>
    public void Dispose()
    {
        _queue.Complete();
        _thread.Join();
    }

    private void Run()
    {
        foreach (var first in _queue.Take())
        {
            _batch.Add(first);
            while (_batch.Count < _maxBatch && _queue.TryTake(out var more))
            {
                _batch.Add(more!);
            }

            for (var next = 0; next < _batch.Count; )
            {
                next = Commit(next);
            }

            _batch.Clear();
        }

        Close();
    }

    /// <summary>Runs the batch from <paramref name="next"/> in one transaction.</summary>
    /// <returns>Where to go on: behind the batch, or behind the piece of work that broke the transaction.</returns>
    private int Commit(int next)
    {
        _done.Clear();
        try
        {
            _database.Execute("BEGIN IMMEDIATE");
        }
        catch (SqliteException exception)
        {
            _batch[next].Fail(SqliteErrors.Describe(exception));
            return next + 1;
        }

        for (; next < _batch.Count; next++)
        {
            var work = _batch[next];
            if (work.IsCancelled)
            {
                work.Cancel();
            }
            else if (!TryExecute(work))
            {
                return next + 1;
            }
        }

        Finish();
        return next;
    }

    /// <summary>One piece of work. A statement that fails is undone by SQLite alone; its batch mates go on.</summary>
    /// <returns>Whether the transaction still stands.</returns>
    private bool TryExecute(SqliteWork work)
    {
        try
        {
            work.Execute(_database);
            _done.Add(work);
            return true;
        }
#pragma warning disable CA1031 // Whatever it is belongs to the caller who waits for it, not to this thread.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            var described = SqliteErrors.Describe(exception);
            work.Fail(described);
            if (_database.InTransaction)
            {
                return true;
            }

            // SQLite rolled everything back by itself (full, I/O): what had succeeded in this transaction is gone with it.
            FailDone(described);
            return false;
        }
    }

    private void Finish()
    {
        try
        {
            _database.Execute("COMMIT");
        }
        catch (SqliteException exception)
        {
            _logger.CommitFailed(exception, _done.Count);
            Rollback();
            FailDone(SqliteErrors.DescribeCommit(exception));
            return;
        }

        Interlocked.Increment(ref _commits);
        Interlocked.Add(ref _statements, _done.Count);
        foreach (var work in _done)
        {
            work.Succeed();
        }
    }

    private void FailDone(Exception exception)
    {
        foreach (var work in _done)
        {
            work.Fail(exception);
        }
    }

    private void Rollback()
    {
        if (!_database.InTransaction)
        {
            return;
        }

        try
        {
            _database.Execute("ROLLBACK");
        }
        catch (SqliteException exception)
        {
            _logger.RollbackFailed(exception);
            _database.Dispose();
            _database = _open();
        }
    }

    private void Close()
    {
        try
        {
            _database.RunScript("PRAGMA wal_checkpoint(TRUNCATE)");
        }
        catch (SqliteException exception)
        {
            _logger.CheckpointFailed(exception);
        }

        _database.Dispose();
    }
}
