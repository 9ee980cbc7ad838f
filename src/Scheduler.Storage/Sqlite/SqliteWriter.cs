using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Scheduler.Storage.Sqlite;

/// <summary>
/// The single writer thread. All writes that arrive during a commit share the next commit, so the disk latency is paid
/// once per batch instead of once per write. A caller receives its result only after the commit that contains its
/// write.
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

    /// <param name="open">Opens the writing connection; called again if the connection breaks.</param>
    public SqliteWriter(Func<SqliteDatabase> open, int maxBatch, ILogger logger)
    {
        _open = open;
        _maxBatch = maxBatch;
        _logger = logger;
        _database = open();
        _thread = new Thread(Run) { IsBackground = true, Name = "sqlite-writer" };
        _thread.Start();
    }

    public long Commits => Interlocked.Read(ref _commits);

    public int Waiting => _queue.Count;

    public long Statements => Interlocked.Read(ref _statements);

    public Task<T> RunAsync<T>(Func<SqliteDatabase, T> action, CancellationToken cancellationToken) =>
        _queue.RunAsync(action, cancellationToken);

    /// <summary>Runs all waiting work, then closes.</summary>
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
    /// <returns>Index of the next item: the end, or the item after the one that broke the transaction.</returns>
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

    /// <summary>Runs one item. SQLite undoes a failed statement alone; the rest of the batch continues.</summary>
    /// <returns>False if SQLite rolled back the transaction.</returns>
    private bool TryExecute(SqliteWork work)
    {
        try
        {
            work.Execute(_database);
            _done.Add(work);
            return true;
        }
#pragma warning disable CA1031 // Every exception goes to the caller that waits for the result.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            var described = SqliteErrors.Describe(exception);
            work.Fail(described);
            if (_database.InTransaction)
            {
                return true;
            }

            // SQLite rolled back the whole transaction (full disk, I/O error), so the items that had succeeded in it
            // are lost too.
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
