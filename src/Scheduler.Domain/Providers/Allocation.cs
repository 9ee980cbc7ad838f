using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Domain.Providers;

/// <summary>Capacity that a provider allocated to us, identified by our idempotency key.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.Allocation")]
public sealed record Allocation
{
    [Id(0)]
    public AllocationKey Key { get; init; }

    [Id(1)]
    public AllocationTag Tag { get; init; } = new("", default);

    [Id(2)]
    public string ProviderAllocationId { get; init; } = "";

    [Id(3)]
    public AllocationStatus Status { get; init; }

    /// <summary>Base address of the runtime's HTTP server; known from <see cref="AllocationStatus.Ready"/>.</summary>
    [Id(4)]
    public Uri? Endpoint { get; init; }

    /// <summary>
    /// How the runtime ended; set for <see cref="AllocationStatus.Exited"/>. For <see cref="AllocationStatus.Preempted"/> only the
    /// provider's reason, or null.
    /// </summary>
    [Id(5)]
    public RuntimeExit? Exit { get; init; }

    /// <summary>Creation time on the provider's clock.</summary>
    [Id(6)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The runtime's own tokenizer; null when it has none or none is known.</summary>
    [Id(7)]
    public RuntimeTokenizer? Tokenizer { get; init; }
}

/// <summary>Stored with every allocation at the provider, so that the sweep can identify its owner.</summary>
/// <param name="Cluster">Cluster id of this scheduler.</param>
[GenerateSerializer, Immutable, Alias("scheduler.AllocationTag")]
public sealed record AllocationTag([property: Id(0)] string Cluster, [property: Id(1)] InstanceId Instance);

public enum AllocationStatus
{
    /// <summary>Allocated; the runtime is not healthy yet.</summary>
    Booting = 1,

    /// <summary>Allocated; the runtime passes its health check.</summary>
    Ready = 2,

    /// <summary>Allocated and still billed. The runtime has not ended but no longer answers.</summary>
    Unhealthy = 3,

    /// <summary>The runtime ended; see <see cref="Allocation.Exit"/>. The allocation must still be released.</summary>
    Exited = 4,

    Preempted = 5,
}

/// <param name="Key">Idempotency key: the same key never makes a second allocation.</param>
/// <param name="RuntimeKey">Key that the runtime must ask its callers for; null for an allocation without one.</param>
[GenerateSerializer, Immutable, Alias("scheduler.AllocationRequest")]
public sealed record AllocationRequest(
    [property: Id(0)] AllocationKey Key,
    [property: Id(1)] AllocationTag Tag,
    [property: Id(2)] Offer Offer,
    [property: Id(3)] RuntimeSpec Runtime,
    [property: Id(4)] RuntimeKey? RuntimeKey = null
)
{
    /// <summary>Variables of the runtime beyond those of its engine, by name. Values may be secrets.</summary>
    [Id(5)]
    public ImmutableSortedDictionary<string, string> Environment { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;
}
