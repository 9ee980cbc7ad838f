using System.Collections.Immutable;

namespace Scheduler.ModelFit;

/// <summary>
/// Decides whether a model fits. <see cref="Judge"/> is cheap and runs for every offer. The other methods find shapes
/// that fit, and run once for a refused launch.
/// </summary>
public static class GpuFit
{
    /// <summary>Contexts are searched in steps of one cache block, in tokens.</summary>
    public const long ContextStep = 16;

    /// <summary>Formats to propose when the requested one does not fit, from the least loss of precision.</summary>
    private static readonly ImmutableArray<WeightFormat> Proposals =
    [
        WeightFormat.Fp8,
        WeightFormat.Int8,
        WeightFormat.NvFp4,
        WeightFormat.Int4,
    ];

    /// <summary>Whether the model fits <paramref name="count"/> GPUs of a type.</summary>
    /// <param name="count">GPUs of one host, ≥ 1; the model is split over all of them.</param>
    public static FitVerdict Judge(ModelFacts model, LaunchPlan request, GpuType gpu, int count)
    {
        var engine = EngineProfile.Of(request);
        var usable = engine.Usable(gpu.VramBytes);
        var obstacle = ObstacleOf(model, request, gpu, count, engine);
        if (obstacle != FitObstacle.None)
        {
            return new(FitOutcome.CannotFit, obstacle, 0, usable);
        }

        var lesson = request.Lessons?.On(gpu, count);
        var estimate = VramEstimate.Of(ModelFootprint.Of(model), request, request.ContextTokens, count, engine, lesson);
        var outcome =
            estimate.Low > usable ? FitOutcome.CannotFit
            : !model.Doubts.IsEmpty ? FitOutcome.Uncertain
            : estimate.High > usable ? FitOutcome.Tight
            : FitOutcome.Fits;
        var missing = outcome == FitOutcome.CannotFit ? FitObstacle.Vram : FitObstacle.None;
        return new(outcome, missing, estimate.Expected, usable);
    }

    /// <summary>VRAM need per GPU; null when the model cannot be split or the request is invalid.</summary>
    /// <param name="gpu">For what starts on it reported; null to leave that out.</param>
    public static VramBudget? Budget(ModelFacts model, LaunchPlan request, int count, GpuType? gpu = null)
    {
        var engine = EngineProfile.Of(request);
        var footprint = ModelFootprint.Of(model);
        if (request.Validate(model) is not null || !footprint.CanSplit(count, engine, request.Format))
        {
            return null;
        }

        var lesson = gpu is null ? null : request.Lessons?.On(gpu, count);
        var estimate = VramEstimate.Of(footprint, request, request.ContextTokens, count, engine, lesson);
        ImmutableArray<VramLine> lines =
        [
            Line(VramPurpose.Weights, estimate.Weights),
            Line(VramPurpose.KvCache, estimate.Cache),
            Line(VramPurpose.Activations, estimate.Activations),
            Line(VramPurpose.RuntimeOverhead, estimate.Overhead),
            Line(VramPurpose.Slack, VramEstimate.Slack),
        ];
        return new VramBudget(
            request.Shortfall is null && lesson is null
                ? lines
                : lines.Add(Line(VramPurpose.Learned, estimate.Learned)),
            count
        );
    }

    public static long UsableBytes(GpuType gpu, LaunchPlan plan) => EngineProfile.Of(plan).Usable(gpu.VramBytes);

    /// <summary>Least total memory, then fewest GPUs, with <see cref="FitOutcome.Fits"/>.</summary>
    /// <param name="vendor">Vendor of the GPUs; other vendors need another image.</param>
    /// <param name="largerThanBytes">Only GPUs with more total memory than this, bytes.</param>
    /// <returns>Null when none fits.</returns>
    public static GpuGroup? SmallestThatFits(
        ModelFacts model,
        LaunchPlan request,
        GpuCatalogue catalogue,
        string vendor = "NVIDIA",
        long largerThanBytes = 0
    )
    {
        if (request.Validate(model) is not null)
        {
            return null;
        }

        // The need depends only on the count, so it is computed once per count, not per shape.
        var engine = EngineProfile.Of(request);
        var footprint = ModelFootprint.Of(model);
        Span<long> vramNeeded = stackalloc long[ModelFootprint.MaxGpus + 1];
        foreach (var count in GpuCatalogue.Counts)
        {
            vramNeeded[count] = footprint.CanSplit(count, engine, request.Format)
                ? engine.VramFor(VramEstimate.Of(footprint, request, request.ContextTokens, count, engine, null).High)
                : long.MaxValue;
        }

        var format = request.Format ?? model.NativeFormat;
        foreach (var shape in catalogue.ShapesBySize)
        {
            if (
                (
                    request.Lessons?.On(shape.Gpu, shape.Count) is null
                        ? shape.Gpu.VramBytes >= vramNeeded[shape.Count]
                        : Judge(model, request, shape.Gpu, shape.Count).Outcome is FitOutcome.Fits
                )
                && shape.TotalVramBytes > largerThanBytes
                && string.Equals(shape.Gpu.Vendor, vendor, StringComparison.Ordinal)
                && shape.Gpu.CanRun(format)
            )
            {
                return shape;
            }
        }

        return null;
    }

    /// <summary>Searches in steps of <see cref="ContextStep"/>, up to the model's maximum.</summary>
    /// <param name="request">Its context is ignored.</param>
    /// <returns>Tokens, or null when not even one block fits.</returns>
    public static long? LargestContextThatFits(
        ModelFacts model,
        LaunchPlan request,
        GpuType gpu,
        int count,
        FitOutcome atLeast = FitOutcome.Fits
    )
    {
        var max = model.MaxContextTokens ?? LaunchPlan.MaxContextTokens;
        var smallest = request with { ContextTokens = Math.Min(ContextStep, max) };
        var engine = EngineProfile.Of(request);
        if (ObstacleOf(model, smallest, gpu, count, engine) != FitObstacle.None)
        {
            return null;
        }

        var search = new ContextSearch(
            ModelFootprint.Of(model),
            request,
            engine,
            count,
            engine.Usable(gpu.VramBytes),
            atLeast,
            request.Lessons?.On(gpu, count)
        );
        return search.Largest(max);
    }

    /// <summary>The least lossy format smaller than the requested one that fits comfortably.</summary>
    /// <param name="gpu">FP8 and FP4 are proposed only when the GPU multiplies them natively.</param>
    /// <param name="canLoad">Whether the engine has a way to load the model in a format.</param>
    /// <returns>Null when no format helps.</returns>
    public static WeightFormat? WeightFormatThatFits(
        ModelFacts model,
        LaunchPlan request,
        GpuType gpu,
        int count,
        Func<WeightFormat, bool> canLoad
    )
    {
        var engine = EngineProfile.Of(request);
        var footprint = ModelFootprint.Of(model);
        if (request.Validate(model) is not null || !footprint.CanSplit(count, engine, request.Format))
        {
            return null;
        }

        var present = footprint.Weights(request.Format, count, engine).Expected;
        foreach (var format in Proposals)
        {
            if (
                gpu.Supports(format)
                && canLoad(format)
                && footprint.Weights(format, count, engine).Expected < present
                && Judge(model, request with { Format = format }, gpu, count).Outcome == FitOutcome.Fits
            )
            {
                return format;
            }
        }

        return null;
    }

    /// <summary>
    /// How many requests the cache holds together, and its tokens. The cache of an engine that takes a share of the
    /// memory fills what the rest leaves; that of llama.cpp has the size that the plan states.
    /// </summary>
    /// <param name="requestTokens">Tokens of one request with its answer, ≥ 1.</param>
    /// <returns>Null when the model keeps no cache, does not fit, or is not valid on these GPUs.</returns>
    public static CacheRoom? RoomFor(ModelFacts model, LaunchPlan plan, GpuType gpu, int count, long requestTokens)
    {
        var engine = EngineProfile.Of(plan);
        var footprint = ModelFootprint.Of(model);
        if (footprint.Caches.Length == 0 || ObstacleOf(model, plan, gpu, count, engine) != FitObstacle.None)
        {
            return null;
        }

        var lesson = plan.Lessons?.On(gpu, count);
        var estimate = VramEstimate.Of(footprint, plan, plan.ContextTokens, count, engine, lesson);
        var free = engine.SplitsLayers
            ? estimate.Cache.Expected
            : engine.Usable(gpu.VramBytes) - (estimate.Expected - estimate.Cache.Expected);
        var whole = VramEstimate.SequenceCacheBytes(footprint, plan, plan.ContextTokens, count, engine);
        var one = VramEstimate.SequenceCacheBytes(
            footprint,
            plan,
            Math.Min(requestTokens, plan.ContextTokens),
            count,
            engine
        );
        if (free < one || one == 0)
        {
            return null;
        }

        var tokens = (long)Int128.Min((Int128)free * plan.ContextTokens / whole, Divide.MaxBytes);
        var most = plan.SequencesAtOnce ?? (engine.SplitsLayers ? plan.ParallelSequences : int.MaxValue);
        return new CacheRoom(tokens, Math.Min(requestTokens, plan.ContextTokens), (int)Math.Min(free / one, most));
    }

    private static FitObstacle ObstacleOf(
        ModelFacts model,
        LaunchPlan request,
        GpuType gpu,
        int count,
        EngineProfile engine
    )
    {
        if (request.Validate(model) is not null)
        {
            return FitObstacle.Request;
        }

        if (!ModelFootprint.Of(model).CanSplit(count, engine, request.Format))
        {
            return FitObstacle.GpuCount;
        }

        return gpu.CanRun(request.Format ?? model.NativeFormat) ? FitObstacle.None : FitObstacle.WeightFormat;
    }

    private static VramLine Line(VramPurpose purpose, VramEstimate.Band band) =>
        new(purpose, band.Low, band.Expected, band.High);
}
