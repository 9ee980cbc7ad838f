using System.Collections.Immutable;
using Scheduler.Domain.Billing;

namespace Scheduler.Domain.Placement;

/// <summary>What the <see cref="PlacementSolver"/> found, and why. Equal questions over equal snapshots give equal decisions.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.PlacementDecision")]
public sealed record PlacementDecision
{
    /// <summary>The best offers, best first; empty when nothing matches.</summary>
    [Id(0)]
    public ImmutableArray<RankedOffer> Ranked { get; init; } = [];

    /// <summary>How many offers came in, and where each of the others was lost.</summary>
    [Id(1)]
    public required Funnel Funnel { get; init; }

    /// <summary>Proof that nothing better was there; null when nothing matches.</summary>
    [Id(2)]
    public OptimalityCertificate? Certificate { get; init; }

    /// <summary>When nothing matches: every smallest set of constraints whose loosening would match; nearest first.</summary>
    [Id(3)]
    public ImmutableArray<Relaxation> Relaxations { get; init; } = [];

    /// <summary>
    /// When nothing matches: offers that meet every constraint and fit the model, and would match if they were available and
    /// their provider healthy. Nothing to change for these: wait.
    /// </summary>
    [Id(4)]
    public int MatchLater { get; init; }

    /// <summary>
    /// When nothing matches: no GPU shape that the caller's constraints leave fits the model (or none on offer does at all), so
    /// the failure to raise is GPU_INCOMPATIBLE, not SMART_NO_MATCH.
    /// </summary>
    [Id(5)]
    public bool NoShapeFits { get; init; }

    /// <summary>Which snapshot was searched.</summary>
    [Id(6)]
    public long Epoch { get; init; }

    /// <summary>Whether there is an offer to take.</summary>
    public bool Matched => !Ranked.IsEmpty;

    /// <summary>The offer to take; null when nothing matches.</summary>
    public Offer? Chosen => Ranked.IsEmpty ? null : Ranked[0].Offer;
}

/// <summary>One offer that matches, with its place.</summary>
/// <param name="Place">1 is best.</param>
/// <param name="Offer">The offer.</param>
/// <param name="Criterion">What put it behind the place before; for the first, ahead of the second.</param>
/// <param name="RankedLast">Whether its route is cooling down or failed this instance before.</param>
[GenerateSerializer, Immutable, Alias("scheduler.RankedOffer")]
public sealed record RankedOffer(
    [property: Id(0)] int Place,
    [property: Id(1)] Offer Offer,
    [property: Id(2)] RankCriterion Criterion,
    [property: Id(3)] bool RankedLast
);

/// <summary>What ranks one matching offer before another, in this order.</summary>
public enum RankCriterion
{
    /// <summary>The only one there is.</summary>
    Only = 0,

    /// <summary>Its route is not cooling down.</summary>
    Route = 1,

    /// <summary>It costs less.</summary>
    Price = 2,

    /// <summary>At the same price, its GPU is more liked.</summary>
    GpuPreference = 3,

    /// <summary>And then its provider is more liked.</summary>
    ProviderPreference = 4,

    /// <summary>And then its route gave capacity more often.</summary>
    AllocationSuccess = 5,

    /// <summary>And then its route gave capacity sooner.</summary>
    TimeToAllocate = 6,

    /// <summary>Nothing tells them apart but provider and id, in order.</summary>
    Name = 7,
}

/// <summary>Why the chosen offer is the best: what a reader needs to check it against the same snapshot.</summary>
/// <param name="ChosenPrice">Price per hour of the chosen offer.</param>
/// <param name="LowerBound">No matching offer costs less than this. Equal to the chosen price, unless cheaper ones rank last.</param>
/// <param name="Epoch">Which snapshot.</param>
/// <param name="Dominated">Matching offers that rank behind the chosen one.</param>
/// <param name="CheaperButRankedLast">Of those, how many cost less but have a route that is cooling down.</param>
[GenerateSerializer, Immutable, Alias("scheduler.OptimalityCertificate")]
public sealed record OptimalityCertificate(
    [property: Id(0)] MicroEuro ChosenPrice,
    [property: Id(1)] MicroEuro LowerBound,
    [property: Id(2)] long Epoch,
    [property: Id(3)] int Dominated,
    [property: Id(4)] int CheaperButRankedLast
);
