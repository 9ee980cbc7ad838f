using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.ClusterTests.Simulation;

/// <summary>
/// A provider that keeps only the promises of the port. It answers late, twice, wrongly or never, creates machines
/// after the caller has stopped waiting, and may omit notifications, as the seed decides.
/// </summary>
internal sealed class UnreliableProvider(
    string id,
    SimulatedWorld world,
    SimulationOracle oracle,
    params ImmutableArray<Offer> offers
) : IProvider
{
    private readonly Dictionary<AllocationKey, Allocation> _held = [];
    private readonly List<Watcher> _watchers = [];

    public ProviderId Id { get; } = new(id);

    /// <summary>False: the simulated silos have no master key, because random bytes would differ between two runs of a seed.</summary>
    public bool IsReachableFromOutside => false;

    /// <summary>Current allocations: the true state.</summary>
    public IReadOnlyCollection<Allocation> Held => _held.Values;

    /// <summary>Keys under which a machine was created once; none is created again.</summary>
    public HashSet<AllocationKey> Made { get; } = [];

    /// <summary>Time of the latest confirmed release by key.</summary>
    public Dictionary<AllocationKey, TimeSpan> Confirmed { get; } = [];

    /// <summary>Creation time of each machine.</summary>
    public Dictionary<AllocationKey, TimeSpan> MadeAt { get; } = [];

    /// <summary>Whether an allocation exists and its runtime is healthy.</summary>
    public bool Serves(AllocationKey key) => _held.GetValueOrDefault(key) is { Status: AllocationStatus.Ready };

    private bool IsUnreliable => world.Happens(world.FaultRates.ProviderFaults);

    public Task<OfferListing> ListOffersAsync(CancellationToken cancellationToken) =>
        AnswerAsync(() => new OfferListing(offers, ImmutableSortedDictionary<string, int>.Empty), cancellationToken);

    public Task<AllocateOutcome> AllocateAsync(AllocationRequest request, CancellationToken cancellationToken)
    {
        oracle.Asked(this, request);
        if (!IsUnreliable)
        {
            return world.LaterAsync(world.Between(0.05, 3), () => Outcome(request), cancellationToken);
        }

        var fault = world.Random.Next(7);
        world.Record($"cloud {Id} is called for {request.Key}, fault {fault}");
        return fault switch
        {
            0 => NeverAsync<AllocateOutcome>(cancellationToken),
            1 => world.LaterAsync<AllocateOutcome>(world.Between(0, 1), () => throw Broken(), cancellationToken),
            2 => world.LaterAsync(
                world.Between(0, 1),
                () =>
                {
                    Outcome(request);
                    return world.Happens(1) ? throw Broken() : AllocateOutcome.Rejected(default, "");
                },
                cancellationToken
            ),
            3 => world.LaterAsync(
                world.Between(0.1, 5),
                () => AllocateOutcome.Rejected(RejectionKind.OutOfStock, "sold out"),
                cancellationToken
            ),
            // May be long after its deadline.
            4 => world.LaterAsync(world.Between(5, 90), () => Outcome(request), cancellationToken),
            // The call takes effect, and the answer is lost.
            5 => EffectWithoutAnswerAsync(request, cancellationToken),
            _ => world.LaterAsync(world.Between(0.1, 20), () => Outcome(request), cancellationToken),
        };
    }

    public Task<Allocation?> FindAsync(AllocationKey key, CancellationToken cancellationToken) =>
        AnswerAsync(() => _held.GetValueOrDefault(key), cancellationToken);

    public Task<string> ReadOutputAsync(AllocationKey key, CancellationToken cancellationToken) =>
        AnswerAsync(() => "", cancellationToken);

    public Task<IReadOnlyList<Allocation>> ListAllocationsAsync(string cluster, CancellationToken cancellationToken) =>
        AnswerAsync<IReadOnlyList<Allocation>>(() => [.. _held.Values], cancellationToken);

    public Task<ReleaseOutcome> ReleaseAsync(AllocationKey key, CancellationToken cancellationToken)
    {
        var fault = IsUnreliable ? world.Random.Next(5) : -1;
        world.Record($"cloud {Id} is to release {key}, fault {fault}");
        return fault switch
        {
            0 => NeverAsync<ReleaseOutcome>(cancellationToken),
            1 => world.LaterAsync<ReleaseOutcome>(world.Between(0, 1), () => throw Broken(), cancellationToken),
            2 => world.LaterAsync(
                world.Between(0, 1),
                () => Release(key) == ReleaseOutcome.Released ? throw Broken() : ReleaseOutcome.Pending,
                cancellationToken
            ),
            3 => world.LaterAsync(world.Between(0, 1), () => ReleaseOutcome.Pending, cancellationToken),
            _ => world.LaterAsync(world.Between(0, 4), () => Release(key), cancellationToken),
        };
    }

    public async IAsyncEnumerable<Allocation> WatchAsync(
        string cluster,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        // No channel: its reader would continue on the thread pool.
        var news = new Watcher();
        _watchers.Add(news);
        await using var end = cancellationToken.Register(() => news.Arrived.TrySetCanceled(cancellationToken));
        try
        {
            while (true)
            {
                await news.Arrived.Task;
                if (news.Seen.Count == 1)
                {
                    news.Arrived = new TaskCompletionSource();
                }

                yield return news.Seen.Dequeue();
            }
        }
        finally
        {
            _watchers.Remove(news);
        }
    }

    /// <summary>A random allocated machine fails or disappears.</summary>
    public void FailRandomMachine()
    {
        if (_held.Count == 0)
        {
            return;
        }

        var held = _held.Values.ElementAt(world.Random.Next(_held.Count));
        switch (world.Random.Next(5))
        {
            case 0:
                world.Record($"cloud {Id} loses {held.Key}");
                _held.Remove(held.Key);
                break;
            case 1:
                Become(held.Key, AllocationStatus.Preempted);
                break;
            case 2:
                Become(held.Key, AllocationStatus.Unhealthy);
                break;
            default:
                Become(held.Key, AllocationStatus.Exited);
                break;
        }
    }

    /// <summary>At the end of a simulation: booting machines become ready soon.</summary>
    public void Behave()
    {
        foreach (var held in _held.Values.Where(held => held.Status == AllocationStatus.Booting).ToList())
        {
            Become(held.Key, AllocationStatus.Ready);
        }
    }

    private static HttpRequestException Broken() => new("The connection was interrupted.");

    private static Task<T> NeverAsync<T>(CancellationToken cancellationToken)
    {
        var never = new TaskCompletionSource<T>();
        cancellationToken.Register(() => never.TrySetCanceled(cancellationToken));
        return never.Task;
    }

    private Task<AllocateOutcome> EffectWithoutAnswerAsync(
        AllocationRequest request,
        CancellationToken cancellationToken
    )
    {
        _ = world.LaterAsync(world.Between(0, 70), () => Outcome(request), CancellationToken.None);
        return NeverAsync<AllocateOutcome>(cancellationToken);
    }

    private Task<T> AnswerAsync<T>(Func<T> what, CancellationToken cancellationToken) =>
        IsUnreliable && world.Happens(0.3)
            ? world.LaterAsync<T>(world.Between(0, 3), () => throw Broken(), cancellationToken)
            : world.LaterAsync(world.Between(0, IsUnreliable ? 4 : 0.1), what, cancellationToken);

    private sealed class Watcher
    {
        public Queue<Allocation> Seen { get; } = new();

        public TaskCompletionSource Arrived { get; set; } = new();

        public void Push(Allocation seen)
        {
            Seen.Enqueue(seen);
            Arrived.TrySetResult();
        }
    }

    private AllocateOutcome Outcome(AllocationRequest request)
    {
        if (_held.TryGetValue(request.Key, out var held))
        {
            return AllocateOutcome.Allocated(held);
        }

        if (!Made.Add(request.Key))
        {
            throw new HttpRequestException("The machine of this key no longer exists.");
        }

        var status = world.Happens(0.5) ? AllocationStatus.Ready : AllocationStatus.Booting;
        held = new Allocation
        {
            Key = request.Key,
            Tag = request.Tag,
            ProviderAllocationId = $"{Id}-{Made.Count}",
            Status = status,
            Endpoint = new Uri($"http://{request.Key}.invalid/"),
            CreatedAt = world.Now,
        };
        world.Record($"cloud {Id} makes {request.Key}, {status}");
        _held[request.Key] = held;
        MadeAt[request.Key] = world.Elapsed;
        if (status == AllocationStatus.Booting)
        {
            var boots = !IsUnreliable || world.Random.Next(3) > 0;
            world.After(
                world.Between(1, 30),
                () => Become(request.Key, boots ? AllocationStatus.Ready : AllocationStatus.Exited)
            );
        }

        return AllocateOutcome.Allocated(held);
    }

    private ReleaseOutcome Release(AllocationKey key)
    {
        world.Record($"cloud {Id} releases {key}");
        _held.Remove(key);
        Confirmed[key] = world.Elapsed;
        return ReleaseOutcome.Released;
    }

    private void Become(AllocationKey key, AllocationStatus status)
    {
        if (
            !_held.TryGetValue(key, out var held)
            || held.Status is AllocationStatus.Exited or AllocationStatus.Preempted or AllocationStatus.Unhealthy
        )
        {
            return;
        }

        world.Record($"cloud {Id} has {key} {status}");
        var exit =
            status == AllocationStatus.Exited ? new RuntimeExit { ExitCode = 1 + (world.Random.Next(2) * 136) } : null;
        _held[key] = held = held with { Status = status, Exit = exit };
        if (!IsUnreliable)
        {
            // A notification may be sent twice.
            var times = world.Happens(world.FaultRates.ProviderFaults / 2) ? 2 : 1;
            for (var i = 0; i < times; i++)
            {
                _watchers.ForEach(watcher => watcher.Push(held));
            }
        }
    }
}
