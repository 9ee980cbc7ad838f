using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Placement;

/// <summary>What is known of providers and routes at the moment of a decision. Immutable; made by whoever watches providers.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.PlacementMemory")]
public sealed record PlacementMemory
{
    /// <summary>Nothing known: every provider healthy, every route untried.</summary>
    public static PlacementMemory None { get; } = new();

    /// <summary>Providers an operator has taken out of service; none of their offers is chosen.</summary>
    [Id(0)]
    public ImmutableArray<ProviderId> Draining { get; init; } = [];

    /// <summary>Providers whose circuit breaker is open; none of their offers is chosen until it closes.</summary>
    [Id(1)]
    public ImmutableArray<ProviderId> BreakerOpen { get; init; } = [];

    /// <summary>Routes that timed out lately, for whomever: ranked last, not left out.</summary>
    [Id(2)]
    public ImmutableArray<Route> Cooling { get; init; } = [];

    /// <summary>Routes that failed this very instance: ranked last, not left out.</summary>
    [Id(3)]
    public ImmutableArray<Route> Avoided { get; init; } = [];

    /// <summary>How allocations on a route went; a route that is not in it falls back to its provider.</summary>
    [Id(4)]
    public ImmutableDictionary<Route, AllocationTrack> Routes { get; init; } =
        ImmutableDictionary<Route, AllocationTrack>.Empty;

    /// <summary>How allocations at a provider went, over all its routes.</summary>
    [Id(5)]
    public ImmutableDictionary<ProviderId, AllocationTrack> Providers { get; init; } =
        ImmutableDictionary<ProviderId, AllocationTrack>.Empty;

    /// <summary>What is known of a route, else of its provider, else <see cref="AllocationTrack.Unknown"/>.</summary>
    /// <param name="route">Of an offer.</param>
    public AllocationTrack TrackOf(Route route) =>
        Routes.TryGetValue(route, out var track) || Providers.TryGetValue(route.Provider, out track)
            ? track
            : AllocationTrack.Unknown;
}

/// <summary>How allocations went over a sliding window.</summary>
/// <param name="SuccessRatio">Share of attempts that gave capacity before the deadline, 0 to 1.</param>
/// <param name="TimeToAllocate">Typical time from the call to the capacity.</param>
[GenerateSerializer, Immutable, Alias("scheduler.AllocationTrack")]
[StructLayout(LayoutKind.Auto)]
public readonly record struct AllocationTrack(
    [property: Id(0)] double SuccessRatio,
    [property: Id(1)] TimeSpan TimeToAllocate
)
{
    /// <summary>Never tried: better than what mostly fails, worse than what mostly works, and slower than anything timed.</summary>
    public static AllocationTrack Unknown { get; } = new(0.5, TimeSpan.MaxValue);
}
