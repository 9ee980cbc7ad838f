using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Placement;

/// <summary>State of providers and routes at the time of a decision; the offer catalogue builds it.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.PlacementMemory")]
public sealed record PlacementState
{
    /// <summary>The state before any observation: all providers healthy, all routes untried.</summary>
    public static PlacementState None { get; } = new();

    /// <summary>Providers that an operator has taken out of service; their offers are refused.</summary>
    [Id(0)]
    public ImmutableArray<ProviderId> Draining { get; init; } = [];

    /// <summary>Providers with an open circuit breaker; their offers are refused until it closes.</summary>
    [Id(1)]
    public ImmutableArray<ProviderId> BreakerOpen { get; init; } = [];

    /// <summary>Routes that timed out recently for any instance: ranked last, not refused.</summary>
    [Id(2)]
    public ImmutableArray<Route> Cooling { get; init; } = [];

    /// <summary>Routes that failed this instance: ranked last, not refused.</summary>
    [Id(3)]
    public ImmutableArray<Route> Avoided { get; init; } = [];

    /// <summary>Allocation history per route; a route without an entry uses its provider's.</summary>
    [Id(4)]
    public ImmutableDictionary<Route, AllocationTrack> Routes { get; init; } =
        ImmutableDictionary<Route, AllocationTrack>.Empty;

    [Id(5)]
    public ImmutableDictionary<ProviderId, AllocationTrack> Providers { get; init; } =
        ImmutableDictionary<ProviderId, AllocationTrack>.Empty;

    /// <summary>Providers that refused this instance as a whole, for example by a quota: ranked last, not refused.</summary>
    [Id(6)]
    public ImmutableArray<ProviderId> AvoidedProviders { get; init; } = [];

    public AllocationTrack TrackOf(Route route) =>
        Routes.TryGetValue(route, out var track) || Providers.TryGetValue(route.Provider, out track)
            ? track
            : AllocationTrack.Unknown;
}

/// <summary>Allocation history over a sliding window.</summary>
/// <param name="SuccessRatio">Share of attempts that got capacity before the deadline, 0 to 1.</param>
/// <param name="TimeToAllocate">Typical time from the provider call until the capacity is there.</param>
[GenerateSerializer, Immutable, Alias("scheduler.AllocationTrack")]
[StructLayout(LayoutKind.Auto)]
public readonly record struct AllocationTrack(
    [property: Id(0)] double SuccessRatio,
    [property: Id(1)] TimeSpan TimeToAllocate
)
{
    /// <summary>Ranks ahead of a route that mostly fails, behind one that mostly works or was measured.</summary>
    public static AllocationTrack Unknown { get; } = new(0.5, TimeSpan.MaxValue);
}
