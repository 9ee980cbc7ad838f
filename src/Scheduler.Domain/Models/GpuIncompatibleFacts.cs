using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes.Engines;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Models;

/// <summary>Why a model does not fit, and what would fit: the facts of <c>GPU_INCOMPATIBLE</c>.</summary>
public sealed record GpuIncompatibleFacts() : FailureFacts(FailureCode.GpuIncompatible)
{
    /// <summary>Name of the detail with the code of <see cref="Then"/>, whose own details are then among these.</summary>
    internal const string ThenCode = "then_code";

    public string Model { get; init; } = "";

    public WeightFormat Format { get; init; } = WeightFormat.Bf16;

    public long ContextTokens { get; init; }

    public int ParallelSequences { get; init; }

    /// <summary>Catalogue name of the requested GPU; null in smart mode.</summary>
    public string? Gpu { get; init; }

    /// <summary>Requested number of GPUs; null when any count is acceptable (the lines are then for one GPU).</summary>
    public int? GpuCount { get; init; }

    public FitObstacle Obstacle { get; init; }

    /// <summary>The need of each GPU by purpose; empty when the model cannot be split over that many GPUs.</summary>
    public ImmutableArray<VramLine> Lines { get; init; } = [];

    /// <summary>Memory of each GPU as its driver reports it, bytes; null in smart mode.</summary>
    public long? VramBytesPerGpu { get; init; }

    /// <summary>Memory that the engine may use on each GPU, bytes; null in smart mode.</summary>
    public long? UsableBytesPerGpu { get; init; }

    /// <summary>Catalogue name of the smallest GPU that fits; null when none does.</summary>
    public string? SmallestGpu { get; init; }

    public int? SmallestGpuCount { get; init; }

    /// <summary>Lowest price of these GPUs; null without an offer.</summary>
    public MicroEuro? PricePerHour { get; init; }

    /// <summary>
    /// Changes of the constraints, each of which leaves GPUs that fit, nearest first. Beside an offer of
    /// <see cref="SmallestGpu"/> only those that keep what the request names.
    /// </summary>
    public ImmutableArray<Relaxation> Loosenings { get; init; } = [];

    /// <summary>Largest context that fits the requested GPU, tokens; null when none does, and in smart mode.</summary>
    public long? LargestContextTokens { get; init; }

    /// <summary>Least lossy smaller format that fits the requested GPU; null if none, and in smart mode.</summary>
    public WeightFormat? FormatThatFits { get; init; }

    /// <summary>Validation error of the request, for <see cref="FitObstacle.Request"/>.</summary>
    public FitRequestRefusal? RequestRefusal { get; init; }

    /// <summary>
    /// Context for the next start, tokens; null when a smaller context does not help. After a request above the model's
    /// maximum it also fits the requested GPU; otherwise the next start would be refused too.
    /// </summary>
    public long? SuggestedContextTokens =>
        RequestRefusal is { } refusal
            ? refusal.Fault == FitRequestFault.ParallelSequencesOutOfRange
                ? null
                : Math.Min(refusal.Limit, LargestContextTokens ?? refusal.Limit)
            : LargestContextTokens < ContextTokens
                ? LargestContextTokens
                : null;

    /// <summary>Price per hour of the best offer for <see cref="SuggestedContextTokens"/>; null when none matches.</summary>
    public MicroEuro? SuggestedContextPrice { get; init; }

    /// <summary>The failure of a launch with <see cref="SuggestedContextTokens"/>; null when it would start.</summary>
    public Failure? Then { get; init; }

    public long NeededBytesPerGpu => Lines.Sum(line => line.ExpectedBytes);

    /// <param name="gpu">The requested GPU; null in smart mode, when none of the remaining GPUs fits.</param>
    /// <param name="count">The requested number of GPUs; null when any count is acceptable.</param>
    public static GpuIncompatibleFacts Of(
        ModelFacts model,
        LaunchPlan request,
        GpuType? gpu,
        int? count,
        GpuCatalogue catalogue
    )
    {
        var gpus = count ?? 1;
        var smallest = GpuFit.SmallestThatFits(model, request, catalogue, gpu?.Vendor ?? "NVIDIA");
        return new GpuIncompatibleFacts
        {
            Model = model.Name,
            Format = request.Format ?? model.NativeFormat,
            ContextTokens = request.ContextTokens,
            ParallelSequences = request.ParallelSequences,
            Gpu = gpu?.Name,
            GpuCount = count,
            Obstacle =
                gpu is not null ? GpuFit.Judge(model, request, gpu, gpus).Obstacle
                : request.Validate(model) is not null ? FitObstacle.Request
                : FitObstacle.Vram,
            Lines = GpuFit.Budget(model, request, gpus, gpu)?.Lines ?? [],
            VramBytesPerGpu = gpu?.VramBytes,
            UsableBytesPerGpu = gpu is null ? null : GpuFit.UsableBytes(gpu, request),
            SmallestGpu = smallest?.Gpu.Name,
            SmallestGpuCount = smallest?.Count,
            LargestContextTokens = gpu is null ? null : GpuFit.LargestContextThatFits(model, request, gpu, gpus),
            FormatThatFits = gpu is null ? null : GpuFit.WeightFormatThatFits(model, request, gpu, gpus, CanLoad),
            RequestRefusal = request.Validate(model),
        };

        bool CanLoad(WeightFormat format) =>
            KnownEngines.Find(request.EnginePreset) is { } engine && engine.CanLoad(model, format);
    }

    protected internal override FailureText Describe()
    {
        var details = Details(
                ("model", Model),
                ("weight_format", FormatNames.Name(Format)),
                ("context_tokens", ContextTokens),
                ("parallel_sequences", ParallelSequences),
                ("gpu_type", Gpu),
                ("gpu_count", GpuCount),
                ("obstacle", Obstacle),
                ("needed_bytes_per_gpu", NeededBytesPerGpu),
                ("usable_bytes_per_gpu", UsableBytesPerGpu),
                ("smallest_gpu_type", SmallestGpu),
                ("smallest_gpu_count", SmallestGpuCount),
                ("smallest_gpu_price_per_hour_micro_eur", PricePerHour?.Value),
                ("largest_context_tokens", LargestContextTokens),
                ("suggested_context_tokens", SuggestedContextTokens),
                ("suggested_context_price_per_hour_micro_eur", SuggestedContextPrice?.Value),
                (
                    "suggested_parallel_sequences",
                    RequestRefusal is { Fault: FitRequestFault.ParallelSequencesOutOfRange } refusal
                        ? refusal.Limit
                        : null
                ),
                ("weight_format_that_fits", FormatThatFits is { } format ? FormatNames.Name(format) : null)
            )
            .AddRange(Loosenings.Select((change, i) => KeyValuePair.Create($"relaxation_{i + 1}", change.ToString())))
            .AddRange(RelaxationDetails.Of(Loosenings))
            .AddRange(
                Lines.Select(line =>
                    KeyValuePair.Create(
                        $"needed_{JsonNamingPolicy.SnakeCaseLower.ConvertName(line.Purpose.ToString())}_bytes",
                        line.ExpectedBytes.ToString(CultureInfo.InvariantCulture)
                    )
                )
            );
        return Then is null
            ? new FailureText(Message(), Hint(), details)
            : new FailureText(
                $"{Message()} With {SuggestedContextTokens} tokens it would fail with {Then.Code.WireName()}: {Then.Message}",
                $"Set context_tokens to {SuggestedContextTokens}. Besides: {Then.Hint}",
                Then.Details.SetItems(details).SetItem(ThenCode, Then.Code.WireName())
            );
    }

    private string Shape => Gpu is null ? "any GPU that the constraints leave" : $"{GpuCount ?? 1}×{Gpu}";

    private string Message() =>
        Obstacle switch
        {
            FitObstacle.Request => $"{Model}: {RequestRefusal?.Message}",
            FitObstacle.GpuCount =>
                $"{Model} cannot be split over {GpuCount} GPUs: they do not divide its attention heads or the blocks of its quantized weights.",
            FitObstacle.WeightFormat => $"{Gpu} cannot run {Model} in {FormatNames.Name(Format)} weights.",
            FitObstacle.None or FitObstacle.Vram =>
                $"{Model} in {FormatNames.Name(Format)} with {ContextTokens} tokens × {ParallelSequences} needs "
                    + $"{Gib(NeededBytesPerGpu)} GiB per GPU ({Table()}), too much for {Shape}"
                    + (UsableBytesPerGpu is { } usable ? $" with {Gib(usable)} GiB usable." : "."),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private string Hint()
    {
        if (RequestRefusal is { } refusal)
        {
            return SuggestedContextTokens is { } within
                ? $"Set context_tokens to {within} and start again."
                : $"Set parallel_sequences to {refusal.Limit} and start again.";
        }

        var ways = Loosenings.Take(LooseningsHinted).Select(change => $"change {change}").ToList();
        if (SmallestGpu is not null && (ways.Count == 0 || (PricePerHour is not null && !IsSmallestAmong(Loosenings))))
        {
            var mark = Gpu is null || Gpu == SmallestGpu ? "" : $" ({Relaxation.LeavesMark})";
            var price = PricePerHour is { } perHour ? $", on offer from {perHour} EUR/h" : "";
            ways.Add($"set gpu_type to {SmallestGpu} and gpu_count to {SmallestGpuCount}{mark}{price}");
        }

        if (SuggestedContextTokens is { } context)
        {
            ways.Add($"reduce context_tokens to {context}");
        }

        if (FormatThatFits is { } format)
        {
            ways.Add($"set weight_format to {FormatNames.Name(format)}");
        }

        return ways.Count switch
        {
            0 => "Choose a smaller model: no GPU of the catalogue holds this one as it is asked for.",
            1 => $"{char.ToUpperInvariant(ways[0][0])}{ways[0][1..]}; then start again.",
            _ => $"Either {string.Join(", or ", ways)}; then start again.",
        };
    }

    private bool IsSmallestAmong(ImmutableArray<Relaxation> changes) =>
        changes.Any(change => change.Best.GpuType == SmallestGpu && change.Best.GpuCount == SmallestGpuCount);

    /// <summary>Maximum number of constraint changes in the hint, to keep it readable.</summary>
    private const int LooseningsHinted = 3;

    private string Table() =>
        string.Join(
            " + ",
            Lines
                .Where(line => line.ExpectedBytes > 0)
                .Select(line => $"{Word(line.Purpose)} {Gib(line.ExpectedBytes)}")
        );

    private static string Word(VramPurpose purpose) =>
        JsonNamingPolicy.SnakeCaseLower.ConvertName(purpose.ToString()).Replace('_', ' ');

    /// <summary>Bytes in GiB, with one decimal.</summary>
    internal static string Gib(long bytes) =>
        (bytes / (decimal)(1L << 30)).ToString("0.0", CultureInfo.InvariantCulture);
}
