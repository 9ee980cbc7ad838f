using System.Collections.Immutable;
using System.Globalization;
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

    /// <inheritdoc/>
    protected internal override FailureText Describe() =>
        new(
            Message(),
            Hint(),
            Details([
                ("model", Model),
                ("weight_format", FormatNames.Name(Format)),
                ("context_tokens", ContextTokens),
                ("parallel_sequences", ParallelSequences),
                ("gpu_type", Gpu),
                ("gpu_count", GpuCount),
                ("obstacle", Obstacle),
                ("needed_bytes", Lines.IsEmpty ? null : NeededBytesPerGpu),
                ("usable_bytes", UsableBytesPerGpu),
                ("vram_bytes", VramBytesPerGpu),
                ("smallest_gpu_type", SmallestGpu),
                ("smallest_gpu_count", SmallestGpuCount),
                ("largest_context_tokens", LargestContextTokens),
                ("weight_format_that_fits", FormatThatFits is { } format ? FormatNames.Name(format) : null),
                .. Lines.Select(line =>
                    ($"needed_{line.Purpose.ToString().ToLowerInvariant()}_bytes", (object?)line.ExpectedBytes)
                ),
            ])
        );

    private string Message()
    {
        if (RequestRefusal is { } refusal)
        {
            return $"{Model} cannot run so: {refusal.Message}";
        }

        var gpus = Gpu is null ? "any GPU the constraints leave" : $"{GpuCount ?? 1}×{Gpu}";
        return Obstacle switch
        {
            FitObstacle.GpuCount => $"{Model} cannot be split over {gpus}.",
            FitObstacle.WeightFormat => $"{gpus} cannot run {Model} in {FormatNames.Name(Format)}.",
            FitObstacle.None or FitObstacle.Vram or FitObstacle.Request => Needs(gpus),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
    }

    private string Needs(string gpus)
    {
        var needed = Lines.IsEmpty
            ? "more memory"
            : $"{Gib(NeededBytesPerGpu)} per GPU ({string.Join(", ", Lines.Select(l => $"{l.Purpose} {Gib(l.ExpectedBytes)}"))})";
        var usable = UsableBytesPerGpu is { } bytes ? $"; {Gib(bytes)} of each can be used" : "";
        return $"{Model} in {FormatNames.Name(Format)} with {Number(ContextTokens)} tokens of context needs {needed}, "
            + $"which does not fit {gpus}{usable}.";
    }

    private string Hint()
    {
        if (RequestRefusal is { } refusal)
        {
            return $"Set the value to {Number(refusal.Limit)} (it was {Number(refusal.Value)}), then start again.";
        }

        var ways = new List<string>();
        if (SmallestGpu is not null)
        {
            ways.Add($"take {Number(SmallestGpuCount ?? 1)}×{SmallestGpu} or larger");
        }

        if (LargestContextTokens is { } context && context < ContextTokens)
        {
            ways.Add($"set context_tokens to {Number(context)} (it was {Number(ContextTokens)})");
        }

        if (FormatThatFits is { } format)
        {
            ways.Add($"set weight_format to {FormatNames.Name(format)}");
        }

        return ways.Count == 0
            ? $"No GPU of the catalogue runs {Model} so: reduce context_tokens or parallel_sequences, or take a smaller model."
            : $"{char.ToUpperInvariant(ways[0][0])}{ways[0][1..]}{string.Concat(ways.Skip(1).Select(way => ", or " + way))}; then start again.";
    }

    private static string Gib(long bytes) =>
        (bytes / (decimal)(1L << 30)).ToString("0.0", CultureInfo.InvariantCulture) + " GiB";

    private static string Number(long value) => value.ToString(CultureInfo.InvariantCulture);
}
