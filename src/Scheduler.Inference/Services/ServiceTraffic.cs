using System.Collections.Concurrent;
using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Services;

namespace Scheduler.Inference.Services;

/// <summary>
/// The requests of one service in this process: in progress by replica, held ones, and their output tokens. Requests change counters
/// only, without a lock or an allocation.
/// </summary>
internal sealed class ServiceTraffic(ServiceId id, HoldBudget held, TimeProvider clock)
{
    private readonly ConcurrentDictionary<InstanceId, UseCount> _replicas = new();
    private long _tokens;
    private volatile bool _isReported;

    public ServiceId Id => id;

    /// <summary>Requests of this process that use this object.</summary>
    public UseCount Requests { get; } = new();

    /// <summary>The requests that wait.</summary>
    public HoldQueue<ReplicaPlace> Held { get; } = new(held, clock);

    /// <summary>Whether the service knows of a load here; it gets a report when that ends.</summary>
    public bool IsReported
    {
        get => _isReported;
        set => _isReported = value;
    }

    /// <summary>Counts a request at a replica until the result is left.</summary>
    public UseCount Enter(InstanceId replica)
    {
        while (true)
        {
            var count = _replicas.GetOrAdd(replica, static _ => new UseCount());
            if (count.TryEnter())
            {
                return count;
            }

            _replicas.TryRemove(KeyValuePair.Create(replica, count));
        }
    }

    public void Answered(long tokens)
    {
        if (tokens > 0)
        {
            Interlocked.Add(ref _tokens, tokens);
        }
    }

    /// <summary>Output tokens since the last call.</summary>
    public long TakeTokens() => Interlocked.Exchange(ref _tokens, 0);

    /// <summary>Requests in progress by replica, without replicas that have none; those are forgotten.</summary>
    public ImmutableArray<ReplicaLoad> AtReplicas()
    {
        var loads = ImmutableArray.CreateBuilder<ReplicaLoad>();
        foreach (var (replica, count) in _replicas)
        {
            if (count.Value is > 0 and var outstanding)
            {
                loads.Add(new ReplicaLoad(replica, outstanding));
            }
            else if (count.TryClose())
            {
                _replicas.TryRemove(KeyValuePair.Create(replica, count));
            }
        }

        return loads.ToImmutable();
    }
}
