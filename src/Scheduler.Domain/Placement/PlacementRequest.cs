namespace Scheduler.Domain.Placement;

/// <summary>The input of <see cref="PlacementSolver"/>: all a decision depends on besides the snapshot.</summary>
public sealed record PlacementRequest
{
    public SmartConstraints Constraints { get; init; } = SmartConstraints.None;

    public ShapeFit Fit { get; init; } = ShapeFit.Any;

    public PlacementState State { get; init; } = PlacementState.None;

    /// <summary>The number of offers to rank, ≥ 1. A launch needs the first one and a few fallbacks.</summary>
    public int Top { get; init; } = 3;
}
