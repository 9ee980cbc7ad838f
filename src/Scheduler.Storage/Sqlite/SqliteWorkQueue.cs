using System.Diagnostics.CodeAnalysis;

namespace Scheduler.Storage.Sqlite;

/// <summary>A bounded queue in front of database threads. Whoever finds it full waits without holding a thread.</summary>
/// <remarks>
/// A plain monitor on purpose: the ready-made blocking collections spin before they wait, and on a small machine those turns are
/// taken from the grains whose work the thread is waiting for.
/// </remarks>
#pragma warning disable CA1001 // A semaphore whose wait handle is never asked for holds nothing that needs disposing.
internal sealed class SqliteWorkQueue
#pragma warning restore CA1001
{
    private readonly SemaphoreSlim _room;
    private readonly object _gate = new();
    private readonly Queue<SqliteWork> _waiting = [];
    private bool _isComplete;

    /// <param name="capacity">How many pieces of work may wait.</param>
    public SqliteWorkQueue(int capacity) => _room = new SemaphoreSlim(capacity, capacity);

    /// <summary>How many pieces of work wait now.</summary>
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
        if (!_room.Wait(0, CancellationToken.None))
        {
            await _room.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        var work = new SqliteWork<T>(action, cancellationToken);
        if (!TryAdd(work))
        {
            _room.Release();
            throw new ObjectDisposedException("The store is closed.");
        }

        return await work.Result.ConfigureAwait(false);
    }

    /// <summary>Waits for work, on the calling thread; ends when the queue is complete and empty.</summary>
    public IEnumerable<SqliteWork> Take()
    {
        while (WaitForOne() is { } work)
        {
            yield return work;
        }
    }

    /// <summary>Takes what is waiting already.</summary>
    public bool TryTake([NotNullWhen(true)] out SqliteWork? work)
    {
        lock (_gate)
        {
            if (!_waiting.TryDequeue(out work))
            {
                return false;
            }
        }

        _room.Release();
        return true;
    }

    /// <summary>Nothing more comes in; what waits is still done.</summary>
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

        _room.Release();
        return work;
    }
}
