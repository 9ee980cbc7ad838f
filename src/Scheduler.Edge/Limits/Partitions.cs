using System.Collections.Concurrent;

namespace Scheduler.Edge.Limits;

/// <summary>
/// Partitions by key, as many as there is room for. Idle ones leave; while there are none of these and no room, newcomers share one
/// partition: forgetting one in use instead would give whoever fills the table a fresh start.
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

    /// <summary>How many there are.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Does something with the partition of a key, which is made if it is missing.</summary>
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

    /// <summary>The partition a key has or, while the table is full, shares; null where it would be a new one.</summary>
    public TPartition? Find(TKey key) =>
        _all.TryGetValue(key, out var known) ? known
        : Count >= capacity ? _shared
        : null;

    /// <summary>Whether a partition is the one newcomers share.</summary>
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

/// <summary>What is counted for one key or one address. Everything in it is read and written under <see cref="Gate"/>.</summary>
internal abstract class Partition
{
    /// <summary>Held while it is looked at.</summary>
    public Lock Gate { get; } = new();

    /// <summary>Whether it has left the table; then a new one stands for it.</summary>
    public bool IsGone { get; set; }

    /// <summary>Whether a new one would say the same, so that it may go.</summary>
    public abstract bool IsIdle(long now);
}
