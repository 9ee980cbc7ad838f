using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Domain.Providers;

/// <summary>Capacity a provider actually gave us, identified by our idempotency key.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.Allocation")]
public sealed record Allocation
{
    /// <summary>Our key.</summary>
    [Id(0)]
    public AllocationKey Key { get; init; }

    /// <summary>The tag that says whose it is.</summary>
    [Id(1)]
    public AllocationTag Tag { get; init; } = new("", default);

    /// <summary>The provider's own id of it.</summary>
    [Id(2)]
    public string ProviderAllocationId { get; init; } = "";

    /// <summary>What is known of it now.</summary>
    [Id(3)]
    public AllocationStatus Status { get; init; }

    /// <summary>Base address of the runtime's HTTP face, known from <see cref="AllocationStatus.Ready"/> on.</summary>
    [Id(4)]
    public Uri? Endpoint { get; init; }

    /// <summary>How the runtime ended, for <see cref="AllocationStatus.Exited"/>.</summary>
    [Id(5)]
    public RuntimeExit? Exit { get; init; }

    /// <summary>When the provider made it (the provider's clock).</summary>
    [Id(6)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>How the runtime's own tokenizer is asked; null where it has none that is known.</summary>
    [Id(7)]
    public RuntimeTokenizer? Tokenizer { get; init; }
}

/// <summary>What every allocation carries at the provider, so that the sweep can tell whose it is.</summary>
/// <param name="Cluster">The cluster id of this scheduler.</param>
/// <param name="Instance">The instance it was made for.</param>
[GenerateSerializer, Immutable, Alias("scheduler.AllocationTag")]
public sealed record AllocationTag([property: Id(0)] string Cluster, [property: Id(1)] InstanceId Instance);

/// <summary>What is known of an allocation at one moment.</summary>
public enum AllocationStatus
{
    /// <summary>Ours; the runtime is not healthy yet.</summary>
    Booting = 1,

    /// <summary>Ours; the runtime answers its health check.</summary>
    Ready = 2,

    /// <summary>Ours and still paid for, but the runtime answers no longer though it has not ended.</summary>
    Unhealthy = 3,

    /// <summary>The runtime ended; see <see cref="Allocation.Exit"/>. It still has to be released.</summary>
    Exited = 4,

    /// <summary>The provider took the capacity back.</summary>
    Preempted = 5,
}

/// <summary>What a provider is asked for.</summary>
/// <param name="Key">Our idempotency key: the same key never makes a second allocation.</param>
/// <param name="Tag">Stored with the allocation at the provider.</param>
/// <param name="Offer">The offer chosen.</param>
/// <param name="Runtime">What to run on it.</param>
[GenerateSerializer, Immutable, Alias("scheduler.AllocationRequest")]
public sealed record AllocationRequest(
    [property: Id(0)] AllocationKey Key,
    [property: Id(1)] AllocationTag Tag,
    [property: Id(2)] Offer Offer,
    [property: Id(3)] RuntimeSpec Runtime
);
