using Scheduler.Domain.Ids;

namespace Scheduler.Providers.Simulated;

/// <summary>
/// Simulates the external cloud that holds allocations. It has its own storage (<see cref="SimulatedJournal"/>), so
/// like a real cloud it survives a restart of the scheduler. It does not know the reason of any request.
/// </summary>
internal sealed class SimulatedCloud : IDisposable
{
    /// <summary>
    /// Maximum number of tombstones in memory. The journal contains all of them, and a key is requested again within
    /// minutes or never.
    /// </summary>
    private const int MaxTombstones = 100_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, SimulatedRecord> _records = new(StringComparer.Ordinal);
    private readonly Dictionary<(string Provider, string OfferId), int> _held = [];
    private readonly Dictionary<string, TaskCompletionSource> _waiting = new(StringComparer.Ordinal);
    private readonly Queue<string> _tombstones = new();
    private readonly SimulatedJournal? _journal;
    private Action<SimulatedRecord>? _changed;

    internal SimulatedCloud(string? statePath)
    {
        _journal = statePath is null ? null : new SimulatedJournal(statePath);
        CatchUp();
    }

    /// <summary>Whether other processes may write to the same journal.</summary>
    internal bool IsShared => _journal is not null;

    /// <summary>Incremented by every change; equal numbers mean that nothing changed in between.</summary>
    internal long Version { get; private set; }

    /// <summary>Calls back on later changes, in order, under the cloud's lock. The callback must not block.</summary>
    internal IReadOnlyList<SimulatedRecord> Subscribe(Action<SimulatedRecord> changed)
    {
        lock (_gate)
        {
            _changed += changed;
            return [.. _records.Values];
        }
    }

    internal void Unsubscribe(Action<SimulatedRecord> changed)
    {
        lock (_gate)
        {
            _changed -= changed;
        }
    }

    /// <summary>Reads records that other processes wrote; cheap if there are none.</summary>
    internal void CatchUp()
    {
        lock (_gate)
        {
            CatchUp_NeedsLock();
        }
    }

    internal SimulatedRecord? Find(string key)
    {
        lock (_gate)
        {
            CatchUp_NeedsLock();
            return _records.GetValueOrDefault(key);
        }
    }

    internal List<SimulatedRecord> List(Func<SimulatedRecord, bool> wanted)
    {
        lock (_gate)
        {
            CatchUp_NeedsLock();
            return [.. _records.Values.Where(wanted)];
        }
    }

    /// <summary>Number of allocations that take capacity of the offer.</summary>
    internal int Held(ProviderId provider, string offerId)
    {
        lock (_gate)
        {
            return _held.GetValueOrDefault((provider.Value, offerId));
        }
    }

    /// <summary>
    /// Changes a record; all changes go through this method. The callback receives the record (null for a new key) and
    /// the used capacity of the offer. It returns the new record, or null for no change. The journal contains the
    /// record before any caller sees it.
    /// </summary>
    internal SimulatedRecord? Change(
        string key,
        (string Provider, string OfferId) offer,
        Func<SimulatedRecord?, int, SimulatedRecord?> change
    )
    {
        lock (_gate)
        {
            if (_journal is null)
            {
                return Change_NeedsLock(key, offer, change);
            }

            using (_journal.Hold())
            {
                CatchUp_NeedsLock();
                return Change_NeedsLock(key, offer, change);
            }
        }
    }

    /// <summary>A task that completes at the next change of the key's record.</summary>
    internal Task NextChangeOf(string key)
    {
        lock (_gate)
        {
            if (!_waiting.TryGetValue(key, out var waiting))
            {
                waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _waiting.Add(key, waiting);
            }

            return waiting.Task;
        }
    }

    public void Dispose() => _journal?.Dispose();

    private SimulatedRecord? Change_NeedsLock(
        string key,
        (string Provider, string OfferId) offer,
        Func<SimulatedRecord?, int, SimulatedRecord?> change
    )
    {
        var before = _records.GetValueOrDefault(key);
        var after = change(before, _held.GetValueOrDefault(offer));
        if (after is null)
        {
            return before;
        }

        _journal?.Append_NeedsLock(after);
        Apply_NeedsLock(after);
        return after;
    }

    private void CatchUp_NeedsLock()
    {
        if (_journal is { HasNews: true })
        {
            _journal.ReadNew(Apply_NeedsLock);
        }
    }

    private void Apply_NeedsLock(SimulatedRecord record)
    {
        var before = _records.GetValueOrDefault(record.Key);
        _records[record.Key] = record;
        Version++;
        Count(before, -1);
        Count(record, +1);
        if (record.GoneAt is not null && before is not { GoneAt: not null })
        {
            _tombstones.Enqueue(record.Key);
            if (_tombstones.Count > MaxTombstones)
            {
                _records.Remove(_tombstones.Dequeue());
            }
        }

        if (_waiting.Remove(record.Key, out var waiting))
        {
            waiting.SetResult();
        }

        _changed?.Invoke(record);
    }

    private void Count(SimulatedRecord? record, int by)
    {
        if (record is { TakesCapacity: true })
        {
            var offer = (record.Provider, record.OfferId);
            _held[offer] = _held.GetValueOrDefault(offer) + by;
        }
    }
}
