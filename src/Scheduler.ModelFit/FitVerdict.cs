using System.Runtime.InteropServices;

namespace Scheduler.ModelFit;

/// <summary>Whether a model fits a number of GPUs of one type. All sums are per GPU.</summary>
/// <param name="Obstacle">Reason for <see cref="FitOutcome.CannotFit"/>.</param>
/// <param name="ExpectedBytes">Most likely need per GPU, bytes; 0 when an obstacle other than memory applies.</param>
[StructLayout(LayoutKind.Auto)]
[GenerateSerializer, Immutable, Alias("scheduler.FitVerdict")]
public readonly record struct FitVerdict(
    [property: Id(0)] FitOutcome Outcome,
    [property: Id(1)] FitObstacle Obstacle,
    [property: Id(2)] long ExpectedBytes,
    [property: Id(3)] long UsableBytes
)
{
    /// <summary>Whether a launch is allowed: the model fits, or fits tightly.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsCompatible => Outcome != FitOutcome.CannotFit;
}

public enum FitOutcome
{
    /// <summary>The lower edge of the estimate does not fit, or another obstacle exists: refused.</summary>
    CannotFit = 0,

    /// <summary>Only a part of the estimate's range fits: allowed, with a warning.</summary>
    Tight = 1,

    /// <summary>The upper edge of the estimate fits.</summary>
    Fits = 2,

    /// <summary>
    /// The lower edge fits, but the model's files leave doubts about its size (<see cref="ModelFacts.Doubts"/>): allowed,
    /// with a warning.
    /// </summary>
    Uncertain = 3,
}

public enum FitObstacle
{
    None = 0,

    Vram = 1,

    /// <summary>
    /// The number of GPUs does not divide the attention heads or the blocks of quantized weights, or exceeds the layers.
    /// </summary>
    GpuCount = 2,

    /// <summary>The GPU cannot run the weight format, not even after unpacking.</summary>
    WeightFormat = 3,

    /// <summary>The request is invalid for this model; see <see cref="LaunchPlan.Validate"/>.</summary>
    Request = 4,
}
