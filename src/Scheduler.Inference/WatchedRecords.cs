using System.Collections.Concurrent;

namespace Scheduler.Inference;

/// <summary>Copies of records in use. Each has a loop that reads the next version until no request uses the copy.</summary>
/// <remarks>
/// Reading the next version is one open call to a grain that returns when the record changes. Changes arrive within
/// milliseconds, and records without requests cost nothing. Only the first request for a key waits for the grain.
/// </remarks>
/// <param name="read">
/// Reads a record, given the known one: returns a newer version, the same one after a while without a change, or null
/// if it does not exist (any more).
/// </param>
/// <param name="failed">Called with the exception if a known record cannot be read.</param>
internal sealed class WatchedRecords<TKey, T>(
    Func<TKey, T?, CancellationToken, Task<T?>> read,
    Action<Exception, TKey> failed,
    TimeProvider clock
) : IAsyncDisposable
    where TKey : notnull
    where T : class
{
    private readonly ConcurrentDictionary<TKey, Entry> _entries = new();
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Maximum number of copies; above it, new copies are not kept.</summary>
    public required int Capacity { get; init; }

    /// <summary>How long an unused copy is kept fresh.</summary>
    public required TimeSpan WatchedFor { get; init; }

    /// <summary>Whether the last copy stays in use while its grain does not answer; otherwise it is discarded.</summary>
    public required bool KeepsStale { get; init; }

    /// <summary>How long it is cached that a record does not exist.</summary>
    public TimeSpan MissingFor { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Delay before a known record that could not be read is read again.</summary>
    public TimeSpan RetryAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The record; null when it does not exist.</summary>
    /// <exception cref="Exception">The first read failed; the next call tries again.</exception>
    public async ValueTask<T?> FindAsync(TKey key, CancellationToken cancellationToken)
    {
        var entry = _entries.GetOrAdd(key, static (key, records) => records.NewEntry(key), this);
        entry.LastUse = clock.GetTimestamp();
        if (!entry.First.IsCompletedSuccessfully)
        {
            await entry.First.WaitAsync(cancellationToken);
        }

        return entry.Current;
    }

    /// <summary>
    /// Ends all open calls. It must happen before the silo stops: a call to a grain that stops is retried for seconds, and
    /// then reported with a stack trace. Afterwards, a record that is not known yet is not read.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        if (!_stop.IsCancellationRequested)
        {
            await _stop.CancelAsync();
        }

        await Task.WhenAll(_entries.Values.Select(entry => entry.Loop)).WaitAsync(cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync(CancellationToken.None);
        _stop.Dispose();
    }

    private Entry NewEntry(TKey key)
    {
        var entry = new Entry { LastUse = clock.GetTimestamp() };
        entry.Loop = WatchAsync(key, entry);
        return entry;
    }

    private async Task WatchAsync(TKey key, Entry entry)
    {
        // Do not block the caller: GetOrAdd may create an entry that is then discarded.
        await Task.Yield();
        try
        {
            while (!_stop.IsCancellationRequested && IsUsed(entry) && await RefreshAsync(key, entry)) { }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The process stops.
        }
        finally
        {
            _entries.TryRemove(new KeyValuePair<TKey, Entry>(key, entry));
            if (_stop.IsCancellationRequested)
            {
                // Not read: a result would mean that the record does not exist.
                entry.FirstSource.TrySetCanceled(CancellationToken.None);
            }

            entry.FirstSource.TrySetResult();
        }
    }

    private bool IsUsed(Entry entry) =>
        clock.GetElapsedTime(entry.LastUse) < WatchedFor && (_entries.Count <= Capacity || entry.Current is null);

    /// <returns>False when the entry must be removed.</returns>
    private async Task<bool> RefreshAsync(TKey key, Entry entry)
    {
        var isFirst = !entry.First.IsCompleted;
        try
        {
            entry.Current = await read(key, entry.Current, _stop.Token);
            entry.FirstSource.TrySetResult();
        }
        catch (Exception exception) when (!_stop.IsCancellationRequested)
        {
            if (isFirst)
            {
                // The first callers get the exception; the next request tries again.
                entry.FirstSource.TrySetException(exception);
                return false;
            }

            failed(exception, key);
            if (KeepsStale)
            {
                await Task.Delay(RetryAfter, clock, _stop.Token);
            }

            return KeepsStale;
        }

        if (entry.Current is null && isFirst)
        {
            await Task.Delay(MissingFor, clock, _stop.Token);
        }

        return entry.Current is not null;
    }

    private sealed class Entry
    {
        private T? _current;
        private long _lastUse;

        public TaskCompletionSource FirstSource { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Completes after the first read.</summary>
        public Task First => FirstSource.Task;

        public Task Loop { get; set; } = Task.CompletedTask;

        public T? Current
        {
            get => Volatile.Read(ref _current);
            set => Volatile.Write(ref _current, value);
        }

        public long LastUse
        {
            get => Volatile.Read(ref _lastUse);
            set => Volatile.Write(ref _lastUse, value);
        }
    }
}
