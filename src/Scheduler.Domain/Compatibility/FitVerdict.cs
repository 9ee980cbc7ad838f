using System.Runtime.InteropServices;

namespace Scheduler.Domain.Compatibility;

/// <summary>Whether a model fits a number of GPUs of one type. Sums are per GPU.</summary>
/// <param name="Outcome">The answer.</param>
/// <param name="Obstacle">What stands in the way, for <see cref="FitOutcome.CannotFit"/>.</param>
/// <param name="ExpectedBytes">What it most likely needs on each GPU, bytes; 0 where an obstacle other than memory was met first.</param>
/// <param name="UsableBytes">What the engine may use on each GPU, bytes.</param>
[StructLayout(LayoutKind.Auto)]
[GenerateSerializer, Immutable, Alias("scheduler.FitVerdict")]
public readonly record struct FitVerdict(
    [property: Id(0)] FitOutcome Outcome,
    [property: Id(1)] FitObstacle Obstacle,
    [property: Id(2)] long ExpectedBytes,
    [property: Id(3)] long UsableBytes
)
{
    /// <summary>Whether a launch is allowed: it fits, if only just.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public bool IsCompatible => Outcome != FitOutcome.CannotFit;
}

/// <summary>How well a model fits.</summary>
public enum FitOutcome
{
    /// <summary>Not even the lower edge of the estimate fits, or something else forbids it: refused.</summary>
    CannotFit = 0,

    /// <summary>Inside the band of the estimate: allowed, with a warning.</summary>
    Tight = 1,

    /// <summary>Even the upper edge of the estimate fits.</summary>
    Fits = 2,
}

/// <summary>What forbids a launch on some GPUs.</summary>
public enum FitObstacle
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Too little memory.</summary>
    Vram = 1,

    /// <summary>The number of GPUs does not divide the attention heads, or exceeds the layers.</summary>
    GpuCount = 2,

    /// <summary>The GPU cannot run the weight format, not even by unpacking it first.</summary>
    WeightFormat = 3,

    /// <summary>The request makes no sense for this model; see <see cref="FitRequest.Validate"/>.</summary>
    Request = 4,
}
