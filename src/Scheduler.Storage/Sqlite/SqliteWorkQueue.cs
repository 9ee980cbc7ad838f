using System.Collections.Concurrent;

namespace Scheduler.Storage.Sqlite;

/// <summary>A bounded queue in front of database threads. Whoever finds it full waits without holding a thread.</summary>
internal sealed class SqliteWorkQueue : IDisposable
{
    private readonly SemaphoreSlim _room;
    private readonly BlockingCollection<SqliteWork> _waiting = [];

    /// <param name="capacity">How many pieces of work may wait.</param>
    public SqliteWorkQueue(int capacity) => _room = new SemaphoreSlim(capacity, capacity);

    /// <summary>How many pieces of work wait now.</summary>
    public int Count => _waiting.Count;

    public async Task<T> RunAsync<T>(Func<SqliteDatabase, T> action, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(_waiting.IsAddingCompleted, this);
        if (!_room.Wait(0, CancellationToken.None))
        {
            await _room.WaitAsync(cancellationToken).ConfigureAwait(false);
        }

        var work = new SqliteWork<T>(action, cancellationToken);
        try
        {
            _waiting.Add(work, CancellationToken.None);
        }
        catch (InvalidOperationException exception)
        {
            _room.Release();
            throw new ObjectDisposedException("The store is closed.", exception);
        }

        return await work.Result.ConfigureAwait(false);
    }

    /// <summary>Waits for work, on the calling thread; ends when the queue is complete and empty.</summary>
    public IEnumerable<SqliteWork> Take()
    {
        foreach (var work in _waiting.GetConsumingEnumerable())
        {
            _room.Release();
            yield return work;
        }
    }

    /// <summary>Takes what is waiting already.</summary>
    public bool TryTake(out SqliteWork? work)
    {
        if (!_waiting.TryTake(out work))
        {
            return false;
        }

        _room.Release();
        return true;
    }

    /// <summary>Nothing more comes in; what waits is still done.</summary>
    public void Complete() => _waiting.CompleteAdding();

    // The semaphore is left alone: whoever still waits on it must come through and be told that the queue is closed.
    public void Dispose() => _waiting.Dispose();
}
