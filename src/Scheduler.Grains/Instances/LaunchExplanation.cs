using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Compatibility;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Placement;

namespace Scheduler.Grains.Instances;

/// <summary>What a launch would do now and why: the three checks laid open.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.LaunchExplanation")]
public sealed record LaunchExplanation
{
    /// <summary>Whether a start now would reach the provider.</summary>
    [Id(0)]
    public bool WouldLaunch { get; init; }

    /// <summary>The failure a start now would end with, or null.</summary>
    [Id(1)]
    public Failure? Failure { get; init; }

    /// <summary>The money.</summary>
    [Id(2)]
    public BillingCheck? Billing { get; init; }

    /// <summary>The fit, on the best offer's GPUs (or those asked for).</summary>
    [Id(3)]
    public CompatibilityCheck? Compatibility { get; init; }

    /// <summary>The constraints in their order.</summary>
    [Id(4)]
    public ImmutableArray<FunnelLine> Funnel { get; init; } = [];

    /// <summary>The offers left, best first.</summary>
    [Id(5)]
    public ImmutableArray<RankedOfferLine> Ranked { get; init; } = [];

    /// <summary>Each smallest set of loosenings that would match, when nothing does.</summary>
    [Id(6)]
    public ImmutableArray<RelaxationLine> Relaxations { get; init; } = [];

    /// <summary>Why the cheapest offers that were refused were refused: every failing constraint of each.</summary>
    [Id(7)]
    public ImmutableArray<RefusedOfferLine> Refused { get; init; } = [];

    /// <summary>Which catalogue this was decided on.</summary>
    [Id(8)]
    public long CatalogueEpoch { get; init; }

    /// <summary>Offers in the catalogue.</summary>
    [Id(9)]
    public int OffersIn { get; init; }

    /// <summary>Offers that match.</summary>
    [Id(10)]
    public int OffersMatching { get; init; }
}

/// <summary>The money check.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.BillingCheck")]
public sealed record BillingCheck
{
    /// <summary>Σ of the ledger.</summary>
    [Id(0)]
    public MicroEuro Balance { get; init; }

    /// <summary>Running cost not yet in the ledger.</summary>
    [Id(1)]
    public MicroEuro Accrued { get; init; }

    /// <summary>Money put aside for launches.</summary>
    [Id(2)]
    public MicroEuro Holds { get; init; }

    /// <summary>What a launch needs: the threshold, or the hold once the price is known.</summary>
    [Id(3)]
    public MicroEuro Needed { get; init; }

    /// <summary>Whether there is enough.</summary>
    [Id(4)]
    public bool Enough { get; init; }
}

/// <summary>The fit check: a budget per GPU.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.CompatibilityCheck")]
public sealed record CompatibilityCheck
{
    /// <summary>The model.</summary>
    [Id(0)]
    public string Model { get; init; } = "";

    /// <summary>GPU type the budget is for.</summary>
    [Id(1)]
    public string GpuType { get; init; } = "";

    /// <summary>How many of it.</summary>
    [Id(2)]
    public int GpuCount { get; init; }

    /// <summary>Weight format used.</summary>
    [Id(3)]
    public string WeightFormat { get; init; } = "";

    /// <summary>VRAM of one GPU that can be used, bytes.</summary>
    [Id(4)]
    public long UsableBytes { get; init; }

    /// <summary>The lines of the budget, bytes per GPU.</summary>
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

    /// <summary>Largest context that fits these GPUs, tokens; null when none does.</summary>
    [Id(7)]
    public long? LargestContext { get; init; }

    /// <summary>The smallest GPU shape that fits, for example <c>2×L40S</c>; null when none does.</summary>
    [Id(8)]
    public string? SmallestThatFits { get; init; }
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
[GenerateSerializer, Immutable, Alias("scheduler.FunnelLine")]
public sealed record FunnelLine(
    [property: Id(0)] string Constraint,
    [property: Id(1)] string Wanted,
    [property: Id(2)] int RemovedHere,
    [property: Id(3)] int RemovedAlone,
    [property: Id(4)] int Left
);

/// <summary>An offer that matches.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.RankedOfferLine")]
public sealed record RankedOfferLine(
    [property: Id(0)] int Rank,
    [property: Id(1)] Offer Offer,
    [property: Id(2)] bool Cooling,
    [property: Id(3)] string Why
);

/// <summary>One smallest set of loosenings that would match.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.RelaxationLine")]
public sealed record RelaxationLine(
    [property: Id(0)] string Text,
    [property: Id(1)] ImmutableArray<RelaxedConstraint> Changes,
    [property: Id(2)] int OffersThen,
    [property: Id(3)] Offer? BestThen
);

/// <summary>One loosening.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.RelaxedConstraint")]
public sealed record RelaxedConstraint(
    [property: Id(0)] string Constraint,
    [property: Id(1)] string From,
    [property: Id(2)] string To
);

/// <summary>An offer that does not match, with every constraint it fails.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.RefusedOfferLine")]
public sealed record RefusedOfferLine(
    [property: Id(0)] Offer Offer,
    [property: Id(1)] ImmutableArray<FailedConstraint> Failing
);

/// <summary>One constraint an offer fails, and by how much.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.FailedConstraint")]
public sealed record FailedConstraint(
    [property: Id(0)] string Constraint,
    [property: Id(1)] string Wanted,
    [property: Id(2)] string Has,
    [property: Id(3)] string Margin
);
