using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Providers;

/// <summary>Stored state of a provider: drain switch and routes in cool-down. State name <c>provider</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ProviderRecord")]
public sealed record ProviderRecord : IStoredState
{
    public const int CurrentSchemaVersion = 2;

    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    [Id(1)]
    public ProviderId Id { get; init; }

    /// <summary>Whether an operator excluded the provider from placement.</summary>
    [Id(2)]
    public bool Draining { get; init; }

    /// <summary>Failed routes. They rank last for all accounts until their cool-down ends.</summary>
    [Id(3)]
    public ImmutableArray<CoolingRoute> Cooling { get; init; } = [];

    [Id(4)]
    public DateTimeOffset? WakeAt { get; init; }

    [Id(5)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    [Id(6)]
    public long LastSequence { get; init; }

    /// <summary>The order of a current drain; null while in placement, and for drains of version 1.</summary>
    [Id(7)]
    public DrainOrder? Drain { get; init; }
}

/// <summary>Who drained a provider, when and why.</summary>
/// <param name="Actor">The originator, as in events: <c>key:{id}</c>.</param>
/// <param name="Reason">Operator's own words, 0 to <see cref="LongestReason"/> characters; empty without a reason.</param>
[GenerateSerializer, Immutable, Alias("scheduler.DrainOrder")]
public sealed record DrainOrder(
    [property: Id(0)] DateTimeOffset At,
    [property: Id(1)] string Actor,
    [property: Id(2)] string Reason,
    [property: Id(3)] RequestId RequestId
)
{
    public const int LongestReason = 200;
}

/// <summary>A route in cool-down after a timeout or rejection.</summary>
/// <param name="Until">Until then the route ranks last for all accounts.</param>
[GenerateSerializer, Immutable, Alias("scheduler.CoolingRoute")]
public sealed record CoolingRoute([property: Id(0)] Route Route, [property: Id(1)] DateTimeOffset Until);
