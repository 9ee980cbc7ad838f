using System.Collections.Immutable;

namespace Scheduler.Domain.Placement;

/// <summary>Where the offers went, counted while filtering.</summary>
/// <param name="OffersIn">Offers in the snapshot.</param>
/// <param name="Stages">One per constraint, in the order they are asked; also those that ask nothing.</param>
/// <param name="OffersOut">Offers that match.</param>
[GenerateSerializer, Immutable, Alias("scheduler.Funnel")]
public sealed record Funnel(
    [property: Id(0)] int OffersIn,
    [property: Id(1)] ImmutableArray<FunnelStage> Stages,
    [property: Id(2)] int OffersOut
);

/// <summary>One constraint's share of the refusals.</summary>
/// <param name="Constraint">Wire name, for example <c>max_price</c>.</param>
/// <param name="Asked">Whether the request asks anything of it.</param>
/// <param name="Removed">Offers that passed every stage before and were removed here.</param>
/// <param name="RemovedAlone">Offers that this constraint refuses and no other does: what loosening it alone would win.</param>
[GenerateSerializer, Immutable, Alias("scheduler.FunnelStage")]
public readonly record struct FunnelStage(
    [property: Id(0)] string Constraint,
    [property: Id(1)] bool Asked,
    [property: Id(2)] int Removed,
    [property: Id(3)] int RemovedAlone
)
{
    /// <summary>Why it removes an offer, in words.</summary>
    public string Reason => PlacementSolver.ReasonOf(Constraint);
}
