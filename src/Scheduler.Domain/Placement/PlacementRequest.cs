namespace Scheduler.Domain.Placement;

/// <summary>One question to the <see cref="PlacementSolver"/>: all it depends on besides the snapshot.</summary>
public sealed record PlacementRequest
{
    /// <summary>What the caller asks of its capacity.</summary>
    public SmartConstraints Constraints { get; init; } = SmartConstraints.None;

    /// <summary>Which GPU shapes the model fits on.</summary>
    public ShapeFit Fit { get; init; } = ShapeFit.Any;

    /// <summary>What is known of providers and routes.</summary>
    public PlacementMemory Memory { get; init; } = PlacementMemory.None;

    /// <summary>How many offers to rank, ≥ 1; a launch needs the first and a few to fall back on.</summary>
    public int Top { get; init; } = 3;
}
