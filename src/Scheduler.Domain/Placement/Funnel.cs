using System.Collections.Immutable;

namespace Scheduler.Domain.Placement;

/// <summary>The number of offers that each constraint removes, counted while filtering.</summary>
/// <param name="Stages">One per constraint in order of evaluation, including unused ones.</param>
/// <param name="OffersOut">Offers that match.</param>
[GenerateSerializer, Immutable, Alias("scheduler.Funnel")]
public sealed record Funnel(
    [property: Id(0)] int OffersIn,
    [property: Id(1)] ImmutableArray<FunnelStage> Stages,
    [property: Id(2)] int OffersOut
);

/// <param name="Constraint">Wire name, for example <c>max_price</c>.</param>
/// <param name="Asked">Whether the request uses this constraint.</param>
/// <param name="Removed">Offers that passed all earlier stages and are removed here.</param>
/// <param name="RemovedAlone">Offers that only this constraint refuses; loosening it alone admits them.</param>
[GenerateSerializer, Immutable, Alias("scheduler.FunnelStage")]
public readonly record struct FunnelStage(
    [property: Id(0)] string Constraint,
    [property: Id(1)] bool Asked,
    [property: Id(2)] int Removed,
    [property: Id(3)] int RemovedAlone
)
{
    public string Reason => PlacementSolver.ReasonOf(Constraint);
}
