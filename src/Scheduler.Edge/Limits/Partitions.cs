using System.Collections.Concurrent;

namespace Scheduler.Edge.Limits;

/// <summary>
/// A bounded table of partitions by key. Idle partitions are removed. If the table is full and no partition is idle,
/// new keys share one partition. Removing a partition in use instead would reset the counters for a caller who fills
/// the table on purpose.
/// </summary>
internal sealed class Partitions<TKey, TPartition>(int capacity, TimeProvider clock)
    where TKey : notnull
    where TPartition : Partition, new()
{
    private static readonly TimeSpan SweepAtMostEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan SweepAtLeastEvery = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<TKey, TPartition> _all = new();
    private readonly TPartition _shared = new();
    private long _swept = clock.GetTimestamp();
    private int _count;

    public int Count => Volatile.Read(ref _count);

    /// <summary>Runs an action under the lock of the partition of a key; creates a missing partition.</summary>
    public TResult With<TArgument, TResult>(TKey key, TArgument argument, Func<TPartition, TArgument, TResult> act)
    {
        while (true)
        {
            var partition = _all.TryGetValue(key, out var known) ? known : Add(key);
            lock (partition.Gate)
            {
                if (!partition.IsGone)
                {
                    return act(partition, argument);
                }
            }
        }
    }

    /// <summary>
    /// The partition of a key, or the shared one while the table is full; null if the key would get a new partition.
    /// </summary>
    public TPartition? Find(TKey key) =>
        _all.TryGetValue(key, out var known) ? known
        : Count >= capacity ? _shared
        : null;

    /// <summary>Whether it is the partition that new keys share while the table is full.</summary>
    public bool IsShared(TPartition partition) => ReferenceEquals(partition, _shared);

    private TPartition Add(TKey key)
    {
        SweepIfDue();
        if (Interlocked.Increment(ref _count) > capacity)
        {
            Interlocked.Decrement(ref _count);
            return _all.GetValueOrDefault(key) ?? _shared;
        }

        var fresh = new TPartition();
        var added = _all.GetOrAdd(key, fresh);
        if (!ReferenceEquals(added, fresh))
        {
            Interlocked.Decrement(ref _count);
        }

        return added;
    }

    private void SweepIfDue()
    {
        var swept = Volatile.Read(ref _swept);
        var now = clock.GetTimestamp();
        var every = Count >= capacity ? SweepAtMostEvery : SweepAtLeastEvery;
        if (clock.GetElapsedTime(swept, now) < every || Interlocked.CompareExchange(ref _swept, now, swept) != swept)
        {
            return;
        }

        foreach (var (key, partition) in _all)
        {
            lock (partition.Gate)
            {
                if (!partition.IsIdle(now))
                {
                    continue;
                }

                partition.IsGone = true;
            }

            _all.TryRemove(key, out _);
            Interlocked.Decrement(ref _count);
        }
    }
}

/// <summary>
/// The counters of one key or one address. All members are read and written under <see cref="Gate"/>.
/// </summary>
internal abstract class Partition
{
    public Lock Gate { get; } = new();

    /// <summary>Whether it was removed from the table; its key then gets a new partition.</summary>
    public bool IsGone { get; set; }

    /// <summary>Whether a new partition would have the same values, so that this one can be removed.</summary>
    public abstract bool IsIdle(long now);
}
