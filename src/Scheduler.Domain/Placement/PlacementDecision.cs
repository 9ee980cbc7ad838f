using System.Collections.Immutable;
using Scheduler.Domain.Billing;

namespace Scheduler.Domain.Placement;

/// <summary>
/// The result of one placement: the ranked offers, or why none matches and what would. Equal requests over equal snapshots give equal
/// decisions.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.PlacementDecision")]
public sealed record PlacementDecision
{
    /// <summary>Best first; empty when nothing matches.</summary>
    [Id(0)]
    public ImmutableArray<RankedOffer> Ranked { get; init; } = [];

    [Id(1)]
    public required Funnel Funnel { get; init; }

    /// <summary>Proof that no better offer exists; null when nothing matches.</summary>
    [Id(2)]
    public OptimalityCertificate? Certificate { get; init; }

    /// <summary>When nothing matches: all minimal sets of constraints to loosen for a match, nearest first.</summary>
    [Id(3)]
    public ImmutableArray<Relaxation> Relaxations { get; init; } = [];

    /// <summary>
    /// When nothing matches: the number of offers that meet all constraints and fit the model, but are unavailable now
    /// or have an unhealthy provider. For these the caller has to wait; no change of the request helps.
    /// </summary>
    [Id(4)]
    public int MatchLater { get; init; }

    /// <summary>
    /// When nothing matches: whether no price helps because the model fits none of the GPUs that are left
    /// (<see cref="NoMatchRule"/>). The failure is then GPU_INCOMPATIBLE, not SMART_NO_MATCH.
    /// </summary>
    [Id(5)]
    public bool NoShapeFits { get; init; }

    [Id(6)]
    public long Epoch { get; init; }

    public bool Matched => !Ranked.IsEmpty;

    /// <summary>Null when nothing matches.</summary>
    public Offer? Chosen => Ranked.IsEmpty ? null : Ranked[0].Offer;
}

/// <param name="Place">1 is best.</param>
/// <param name="Criterion">Ranks it behind the previous offer; for the first, ahead of the second.</param>
/// <param name="RankedLast">Whether its route is cooling down or failed this instance before.</param>
[GenerateSerializer, Immutable, Alias("scheduler.RankedOffer")]
public sealed record RankedOffer(
    [property: Id(0)] int Place,
    [property: Id(1)] Offer Offer,
    [property: Id(2)] RankCriterion Criterion,
    [property: Id(3)] bool RankedLast
);

/// <summary>The criteria that rank one matching offer ahead of another, in order of evaluation.</summary>
public enum RankCriterion
{
    Only = 0,

    Route = 1,

    Price = 2,

    /// <summary>At the same price, its GPU type is preferred.</summary>
    GpuPreference = 3,

    /// <summary>All above being equal, its provider is preferred.</summary>
    ProviderPreference = 4,

    /// <summary>All above being equal, allocations on its route succeeded more often.</summary>
    AllocationSuccess = 5,

    /// <summary>All above being equal, allocations on its route succeeded faster.</summary>
    TimeToAllocate = 6,

    /// <summary>All else being equal, the order of provider and id.</summary>
    Name = 7,
}

/// <summary>The facts that prove the chosen offer best; a reader can check them against the same snapshot.</summary>
/// <param name="LowerBound">Lowest matching price; the chosen price, unless cheaper offers rank last.</param>
/// <param name="Dominated">Matching offers that rank behind the chosen one.</param>
/// <param name="CheaperButRankedLast">Of those, the number that cost less but have a route that ranks last.</param>
[GenerateSerializer, Immutable, Alias("scheduler.OptimalityCertificate")]
public sealed record OptimalityCertificate(
    [property: Id(0)] MicroEuro ChosenPrice,
    [property: Id(1)] MicroEuro LowerBound,
    [property: Id(2)] long Epoch,
    [property: Id(3)] int Dominated,
    [property: Id(4)] int CheaperButRankedLast
);
