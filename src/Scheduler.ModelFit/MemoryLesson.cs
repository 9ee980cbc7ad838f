namespace Scheduler.ModelFit;

/// <summary>
/// How the estimate of a model is corrected on one number of GPUs of one type, by what its starts there reported. All
/// figures are per GPU.
/// </summary>
/// <remarks>
/// A start reports what it needs beside the cache. The lesson keeps an interval for the difference from the likely value
/// of the estimate. A report inside the interval narrows it to <see cref="Margin"/> around the report. A report outside
/// widens it to the report and no further. So it always holds the latest report, and the same report twice changes nothing.
/// </remarks>
/// <param name="Shape">The plan without what scales: context, sequences, share of the memory.</param>
/// <param name="EngineVersion">As printed; a report of another version begins a new lesson.</param>
/// <param name="GpuType">Catalogue name.</param>
/// <param name="LeastBytes">Lower end of the interval; below zero when the start needed less than the likely value.</param>
/// <param name="BandBelowBytes">Distance of the estimate's lower edge from its likely value when the lesson began.</param>
/// <param name="BandAboveBytes">The same for the upper edge, slack included.</param>
/// <param name="CachePerMille">Cache of a sequence as reported ÷ as computed, thousandths; 0 when not reported.</param>
/// <param name="Reports">Number of different reports.</param>
[GenerateSerializer, Immutable, Alias("scheduler.MemoryLesson")]
public sealed record MemoryLesson(
    [property: Id(0)] LaunchPlan Shape,
    [property: Id(1)] string EngineVersion,
    [property: Id(2)] string GpuType,
    [property: Id(3)] int Gpus,
    [property: Id(4)] long LeastBytes,
    [property: Id(5)] long MostBytes,
    [property: Id(6)] long BandBelowBytes,
    [property: Id(7)] long BandAboveBytes,
    [property: Id(8)] int CachePerMille,
    [property: Id(9)] int Reports
)
{
    /// <summary>
    /// What equal starts differ by: half the fragmentation seen between versions, which is the estimate's slack.
    /// </summary>
    public const long Margin = 256L << 20;

    /// <summary>A ratio outside these thousandths is a misread line and no property of a model.</summary>
    private const int LeastCachePerMille = 200;
    private const int MostCachePerMille = 5000;

    /// <summary>The plan without what a lesson scales with, for comparison.</summary>
    public static LaunchPlan ShapeOf(LaunchPlan plan) =>
        plan with
        {
            ContextTokens = 0,
            ParallelSequences = 0,
            MemoryPerMille = null,
            Shortfall = null,
            Lessons = null,
            TensorParallel = 1,
            PipelineParallel = 1,
        };

    /// <summary>Adds what a start reported. Pure; the same report twice changes nothing.</summary>
    /// <param name="known">The lesson of the same shape, GPU type and number; null for the first report.</param>
    /// <param name="plan">What was started; its lessons and shortfall are ignored.</param>
    /// <returns>
    /// <paramref name="known"/> when the report says nothing about what the estimate computes. Also for a plan with a draft
    /// model, because engines report the memory of both together.
    /// </returns>
    public static MemoryLesson? Learn(
        MemoryLesson? known,
        ModelFacts model,
        LaunchPlan plan,
        GpuType gpu,
        int gpus,
        StartFigures figures
    )
    {
        var engine = EngineProfile.Of(plan);
        var footprint = ModelFootprint.Of(model);
        var alone = plan with { Shortfall = null, Lessons = null };
        if (
            plan.Draft is not null
            || alone.Validate(model) is not null
            || !footprint.CanSplit(gpus, engine, plan.Format)
            || !figures.IsPlausibleOn(gpu)
        )
        {
            return known;
        }

        var estimate = VramEstimate.Of(footprint, alone, alone.ContextTokens, gpus, engine, null);
        var cache = VramEstimate.SequenceCacheBytes(footprint, alone, alone.ContextTokens, gpus, engine);
        var held = HeldBy(figures, cache, alone.ContextTokens, engine.SplitsLayers ? alone.ParallelSequences : 1);
        if (NeedOf(figures, held.Bytes, estimate, engine, gpu) is not { } need)
        {
            return known;
        }

        var fresh = known is null || (figures.EngineVersion.Length > 0 && known.EngineVersion != figures.EngineVersion);
        var lesson = fresh ? FirstOf(alone, figures.EngineVersion, gpu, gpus, estimate) : known!;
        var (least, most) = Narrowed(lesson.LeastBytes, lesson.MostBytes, need - estimate.Fixed.Expected, fresh);
        var next = lesson with
        {
            LeastBytes = least,
            MostBytes = most,
            CachePerMille = held.PerMille is >= LeastCachePerMille and <= MostCachePerMille
                ? held.PerMille
                : lesson.CachePerMille,
        };
        return next == known ? known : next with { Reports = lesson.Reports + 1 };
    }

    internal bool IsOf(GpuType gpu, int gpus) =>
        Gpus == gpus && string.Equals(GpuType, gpu.Name, StringComparison.Ordinal);

    /// <summary>The correction of an estimate, to add to the sum of its lines.</summary>
    internal VramEstimate.Band CorrectionOf(VramEstimate.Band need, long exactWeights)
    {
        // A plan with a wider band than the one that was started keeps what is wider.
        var below = Math.Max(0, need.Expected - need.Low - BandBelowBytes);
        var above = Math.Max(0, need.High - need.Expected - BandAboveBytes);
        var low = Math.Max(exactWeights, need.Expected + LeastBytes - below);
        var high = Math.Max(low, need.Expected + MostBytes + above);
        var expected = Math.Clamp(need.Expected + LeastBytes + ((MostBytes - LeastBytes) / 2), low, high);
        return new(low - need.Low, expected - need.Expected, high - need.High);
    }

    private static MemoryLesson FirstOf(
        LaunchPlan plan,
        string version,
        GpuType gpu,
        int gpus,
        in VramEstimate estimate
    )
    {
        var (below, above) = (
            estimate.Fixed.Expected - estimate.Fixed.Low,
            estimate.Fixed.High - estimate.Fixed.Expected
        );
        return new(ShapeOf(plan), version, gpu.Name, gpus, -below, above, below, above, 0, 0);
    }

    private static (long Least, long Most) Narrowed(long least, long most, long seen, bool isFirst) =>
        seen >= least && seen <= most ? (Math.Max(least, seen - Margin), Math.Min(most, seen + Margin))
        // The estimate was wrong, so its band says nothing.
        : isFirst ? (seen - Margin, seen + Margin)
        : (Math.Min(least, seen), Math.Max(most, seen));

    /// <summary>The reported cache, and its ratio to the computed one; nulls and 0 where the report lacks a figure.</summary>
    private static (long? Bytes, int PerMille) HeldBy(StartFigures figures, long sequence, long context, int sequences)
    {
        if (sequence == 0)
        {
            return (figures.CacheBytes ?? 0, 0);
        }

        if (figures.CacheTokens is not { } tokens || tokens < 1)
        {
            return figures.CacheBytes is { } whole && sequences > 1
                ? (whole, Ratio(whole, Divide.Product(sequence, sequences)))
                : (figures.CacheBytes, 0);
        }

        var computed = (long)Int128.Min((Int128)sequence * tokens / context, Divide.MaxBytes);
        return figures.CacheBytes is { } bytes ? (bytes, Ratio(bytes, computed)) : (computed, 0);
    }

    private static int Ratio(long reported, long computed) =>
        computed == 0 ? 0 : (int)Int128.Min((((Int128)reported * 1000) + computed - 1) / computed, int.MaxValue);

    /// <summary>
    /// What the start needed beside the cache. An engine that fills its share of the memory reports what was left for the
    /// cache; one of the llama.cpp kind reports its parts, and what no line reports is as expected.
    /// </summary>
    private static long? NeedOf(
        StartFigures figures,
        long? cache,
        in VramEstimate estimate,
        EngineProfile engine,
        GpuType gpu
    ) =>
        engine.SplitsLayers
            ? figures.WeightBytes is { } weights
                ? weights + (figures.ComputeBytes ?? estimate.Activations.Expected) + estimate.Overhead.Expected
                : null
            : cache is { } left
                ? Math.Max(estimate.Weights.Low, engine.Usable(gpu.VramBytes) - left)
                : null;
}
