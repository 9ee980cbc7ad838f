using System.Diagnostics.CodeAnalysis;

namespace Scheduler.Storage.Sqlite;

/// <summary>A bounded queue for database threads. If it is full, callers wait asynchronously.</summary>
/// <remarks>
/// It uses a plain monitor on purpose. The framework's blocking collections spin before they wait. On a small machine
/// that takes CPU time from the grains that produce the work.
/// </remarks>
#pragma warning disable CA1001 // A semaphore needs disposal only if its wait handle is used.
internal sealed class SqliteWorkQueue
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _slots;
    private readonly object _gate = new();
    private readonly Queue<SqliteWork> _waiting = [];
    private bool _isComplete;

    public SqliteWorkQueue(int capacity) => _slots = new SemaphoreSlim(capacity, capacity);

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count;
            }
        }
    }

    public async Task<T> RunAsync<T>(Func<SqliteDatabase, T> action, CancellationToken cancellationToken)
    {
        if (!_slots.Wait(0, CancellationToken.None))
        {
            await _slots.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        var work = new SqliteWork<T>(action, cancellationToken);
        if (!TryAdd(work))
        {
            _slots.Release();
            throw new ObjectDisposedException("The store is closed.");
        }

        return await work.Result.ConfigureAwait(false);
    }

    /// <summary>Blocks the calling thread until work arrives; ends when the queue is complete and empty.</summary>
    public IEnumerable<SqliteWork> Take()
    {
        while (WaitForOne() is { } work)
        {
            yield return work;
        }
    }

    /// <summary>Takes an item if one is waiting; does not block.</summary>
    public bool TryTake([NotNullWhen(true)] out SqliteWork? work)
    {
        lock (_gate)
        {
            if (!_waiting.TryDequeue(out work))
            {
                return false;
            }
        }

        _slots.Release();
        return true;
    }

    /// <summary>Rejects new work. Items that already wait still run.</summary>
    public void Complete()
    {
        lock (_gate)
        {
            _isComplete = true;
            Monitor.PulseAll(_gate);
        }
    }

    private bool TryAdd(SqliteWork work)
    {
        lock (_gate)
        {
            if (_isComplete)
            {
                return false;
            }

            _waiting.Enqueue(work);
            Monitor.Pulse(_gate);
            return true;
        }
    }

    private SqliteWork? WaitForOne()
    {
        SqliteWork? work;
        lock (_gate)
        {
            while (!_waiting.TryDequeue(out work))
            {
                if (_isComplete)
                {
                    return null;
                }

                Monitor.Wait(_gate);
            }
        }

        _slots.Release();
        return work;
    }
}
