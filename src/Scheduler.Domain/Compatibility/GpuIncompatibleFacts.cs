using System.Collections.Immutable;
using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Compatibility;

/// <summary>Why a model does not fit, and what would: the facts behind <c>GPU_INCOMPATIBLE</c>.</summary>
public sealed record GpuIncompatibleFacts() : FailureFacts(FailureCode.GpuIncompatible)
{
    /// <summary>The model.</summary>
    public string Model { get; init; } = "";

    /// <summary>The weight format it was to run in.</summary>
    public WeightFormat Format { get; init; } = WeightFormat.Bf16;

    /// <summary>Context asked for, tokens.</summary>
    public long ContextTokens { get; init; }

    /// <summary>Sequences asked for at once.</summary>
    public int ParallelSequences { get; init; }

    /// <summary>Catalogue name of the GPU asked for; null in smart mode.</summary>
    public string? Gpu { get; init; }

    /// <summary>How many of it; null where any count would do (the lines are then for one).</summary>
    public int? GpuCount { get; init; }

    /// <summary>What stands in the way.</summary>
    public FitObstacle Obstacle { get; init; }

    /// <summary>What each GPU would need, line by line; empty when the model cannot be split over so many.</summary>
    public ImmutableArray<VramLine> Lines { get; init; } = [];

    /// <summary>What each GPU has, bytes as the driver reports them; null in smart mode.</summary>
    public long? VramBytesPerGpu { get; init; }

    /// <summary>What the engine may use of each GPU, bytes; null in smart mode.</summary>
    public long? UsableBytesPerGpu { get; init; }

    /// <summary>Catalogue name of the smallest GPU that fits; null when none does.</summary>
    public string? SmallestGpu { get; init; }

    /// <summary>How many of it are needed.</summary>
    public int? SmallestGpuCount { get; init; }

    /// <summary>The largest context that fits the GPU asked for, tokens; null when none does, and in smart mode.</summary>
    public long? LargestContextTokens { get; init; }

    /// <summary>The gentlest smaller weight format that fits the GPU asked for; null when none does, and in smart mode.</summary>
    public WeightFormat? FormatThatFits { get; init; }

    /// <summary>What is wrong with the request itself, for <see cref="FitObstacle.Request"/>.</summary>
    public FitRequestRefusal? RequestRefusal { get; init; }

    /// <summary>What each GPU would most likely need in all, bytes.</summary>
    public long NeededBytesPerGpu => Lines.Sum(line => line.ExpectedBytes);
}
