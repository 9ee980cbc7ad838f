using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.ModelFit;

namespace Scheduler.Grains.Instances;

/// <summary>The result that a launch would have now, with the results of its three checks.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.LaunchExplanation")]
public sealed record LaunchExplanation
{
    /// <summary>Whether all checks of a start would pass now.</summary>
    [Id(0)]
    public bool WouldLaunch { get; init; }

    /// <summary>The failure of a start now, or null.</summary>
    [Id(1)]
    public Failure? Failure { get; init; }

    [Id(2)]
    public BillingCheck? Billing { get; init; }

    /// <summary>The fit on the best offer's GPUs, or on the requested ones.</summary>
    [Id(3)]
    public CompatibilityCheck? Compatibility { get; init; }

    /// <summary>The constraints in the order in which they are applied.</summary>
    [Id(4)]
    public ImmutableArray<FunnelLine> Funnel { get; init; } = [];

    /// <summary>The matching offers, best first.</summary>
    [Id(5)]
    public ImmutableArray<RankedOfferLine> Ranked { get; init; } = [];

    /// <summary>When no offer matches: every smallest set of relaxed constraints that would match.</summary>
    [Id(6)]
    public ImmutableArray<RelaxationLine> Relaxations { get; init; } = [];

    /// <summary>The cheapest refused offers, each with every constraint that it fails.</summary>
    [Id(7)]
    public ImmutableArray<RefusedOfferLine> Refused { get; init; } = [];

    /// <summary>Identifies the offer catalogue that was used.</summary>
    [Id(8)]
    public long CatalogueEpoch { get; init; }

    /// <summary>Number of offers in the catalogue.</summary>
    [Id(9)]
    public int OffersIn { get; init; }

    /// <summary>Number of matching offers.</summary>
    [Id(10)]
    public int OffersMatching { get; init; }

    /// <summary>Whether a start now would wait for capacity instead of failing.</summary>
    [Id(11)]
    public bool WouldWait { get; init; }

    /// <summary>The wait of an instance that waits for capacity; null otherwise.</summary>
    [Id(12)]
    public CapacityWait? Wait { get; init; }

    /// <summary>Its place among the waiting instances of its account; null unless it waits.</summary>
    [Id(13)]
    public WaitingPlace? Place { get; init; }
}

/// <summary>The check of the money of the account.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.BillingCheck")]
public sealed record BillingCheck
{
    /// <summary>Σ of the ledger.</summary>
    [Id(0)]
    public MicroEuro Balance { get; init; }

    /// <summary>Running cost not yet in the ledger.</summary>
    [Id(1)]
    public MicroEuro Accrued { get; init; }

    /// <summary>Reserved money.</summary>
    [Id(2)]
    public MicroEuro Holds { get; init; }

    /// <summary>The money that a launch needs: the hold when an offer is chosen, else the minimum.</summary>
    [Id(3)]
    public MicroEuro Needed { get; init; }

    [Id(4)]
    public bool Enough { get; init; }

    /// <summary>Σ of the prices per hour of all metered runs of the account, without a run of this instance.</summary>
    [Id(5)]
    public MicroEuro OtherBurnPerHour { get; init; }
}

/// <summary>The check whether the model fits: a memory budget per GPU.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.CompatibilityCheck")]
public sealed record CompatibilityCheck
{
    [Id(0)]
    public string Model { get; init; } = "";

    [Id(1)]
    public string GpuType { get; init; } = "";

    [Id(2)]
    public int GpuCount { get; init; }

    [Id(3)]
    public string WeightFormat { get; init; } = "";

    /// <summary>Usable VRAM of one GPU, bytes.</summary>
    [Id(4)]
    public long UsableBytes { get; init; }

    /// <summary>Bytes per GPU.</summary>
    [Id(5)]
    public ImmutableArray<BudgetLine> Lines { get; init; } = [];

    /// <summary><see cref="Verdict"/> on the wire.</summary>
    [Id(6)]
    internal string VerdictName { get; init; } = "cannot_fit";

    public FitOutcome Verdict
    {
        get => FitOutcomes.Parse(VerdictName);
        init => VerdictName = value.WireName();
    }

    /// <summary>Largest context that fits these GPUs, tokens; null when none fits.</summary>
    [Id(7)]
    public long? LargestContext { get; init; }

    /// <summary>
    /// Of the matching offers, the one with the least memory of all its GPUs together, then the cheapest, for example
    /// <c>2×L40S</c>; null when no offer matches.
    /// </summary>
    [Id(8)]
    public string? SmallestThatFits { get; init; }

    /// <summary>Tokens that the cache holds; null without a cache or when the model does not fit.</summary>
    [Id(9)]
    public long? CacheTokens { get; init; }

    /// <summary>Requests of <see cref="TypicalRequestTokens"/> that run together; null like <see cref="CacheTokens"/>.</summary>
    [Id(10)]
    public int? ExpectedConcurrency { get; init; }

    [Id(11)]
    public long? TypicalRequestTokens { get; init; }
}

/// <summary>One line of a VRAM budget, bytes per GPU.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.BudgetLine")]
public sealed record BudgetLine(
    [property: Id(0)] string Name,
    [property: Id(1)] long LowBytes,
    [property: Id(2)] long ExpectedBytes,
    [property: Id(3)] long HighBytes
);

/// <summary>One stage of the funnel.</summary>
/// <param name="RemovedAlone">Offers that this constraint alone removes.</param>
/// <param name="Left">Offers that remain after this stage.</param>
[GenerateSerializer, Immutable, Alias("scheduler.FunnelLine")]
public sealed record FunnelLine(
    [property: Id(0)] string Constraint,
    [property: Id(1)] string Wanted,
    [property: Id(2)] int RemovedHere,
    [property: Id(3)] int RemovedAlone,
    [property: Id(4)] int Left
);

/// <summary>An offer that matches.</summary>
/// <param name="Cooling">Whether the offer ranks last because its route failed recently.</param>
[GenerateSerializer, Immutable, Alias("scheduler.RankedOfferLine")]
public sealed record RankedOfferLine(
    [property: Id(0)] int Rank,
    [property: Id(1)] Offer Offer,
    [property: Id(2)] bool Cooling,
    [property: Id(3)] string Why
);

/// <summary>A smallest set of relaxed constraints that would match.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.RelaxationLine")]
public sealed record RelaxationLine(
    [property: Id(0)] string Text,
    [property: Id(1)] ImmutableArray<RelaxedConstraint> Changes,
    [property: Id(2)] int OffersThen,
    [property: Id(3)] Offer? BestThen
)
{
    /// <summary>
    /// The loosened constraints that name a region, provider or GPU type; empty when the change keeps everything that the request
    /// names.
    /// </summary>
    public ImmutableArray<string> Leaves =>
        [.. Changes.Select(change => change.Constraint).Where(PlacementSolver.NamingConstraints.Contains)];
}

[GenerateSerializer, Immutable, Alias("scheduler.RelaxedConstraint")]
public sealed record RelaxedConstraint(
    [property: Id(0)] string Constraint,
    [property: Id(1)] string From,
    [property: Id(2)] string To
);

/// <summary>An offer that does not match, with every constraint that it fails.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.RefusedOfferLine")]
public sealed record RefusedOfferLine(
    [property: Id(0)] Offer Offer,
    [property: Id(1)] ImmutableArray<FailedConstraint> Failing
);

/// <summary>A constraint that an offer fails.</summary>
/// <param name="Margin">The difference with its unit; empty when it is no number.</param>
[GenerateSerializer, Immutable, Alias("scheduler.FailedConstraint")]
public sealed record FailedConstraint(
    [property: Id(0)] string Constraint,
    [property: Id(1)] string Wanted,
    [property: Id(2)] string Has,
    [property: Id(3)] string Margin
);
