namespace Scheduler.ModelFit;

/// <summary>
/// Memory that a runtime needed above its estimate, proved by runs that ended out of memory. It is added to the edges of
/// later estimates, in bytes per GPU.
/// </summary>
/// <remarks>
/// A run that ended proves only that it needed more than the GPU had. So the lower edge rises to what the GPU had: the
/// same launch is still permitted, as tight. The likely value rises above it. The upper edge rises so far that half the
/// context fits those GPUs, because how much more it needed is unknown.
/// </remarks>
/// <param name="Gpus">Number of GPUs over which the runs were split.</param>
[GenerateSerializer, Immutable, Alias("scheduler.VramShortfall")]
public sealed record VramShortfall(
    [property: Id(0)] long LowBytes,
    [property: Id(1)] long ExpectedBytes,
    [property: Id(2)] long HighBytes,
    [property: Id(3)] int Gpus
)
{
    /// <summary>What the runs prove about a launch of the same model with the same runtime and formats.</summary>
    /// <param name="request">Its context, sequences and shortfall are ignored.</param>
    /// <returns>Null without such runs, or when the estimate itself already needs more than they had.</returns>
    public static VramShortfall? Of(ModelFacts model, LaunchPlan request, IEnumerable<OutOfMemoryRun> runs)
    {
        VramShortfall? all = null;
        foreach (var run in runs)
        {
            if (Of(model, request, run) is { } one)
            {
                all = all is null ? one : all.Max(one);
            }
        }

        return all is { LowBytes: 0, ExpectedBytes: 0, HighBytes: 0 } ? null : all;
    }

    /// <summary>The addition on each of some GPUs: fewer GPUs share the same need, more are not expected to need less.</summary>
    internal VramEstimate.Band On(int gpus) =>
        gpus >= Gpus
            ? new(LowBytes, ExpectedBytes, HighBytes)
            : new(Spread(LowBytes, gpus), Spread(ExpectedBytes, gpus), Spread(HighBytes, gpus));

    private long Spread(long bytes, int gpus) => Divide.Up(Divide.Product(bytes, Gpus), gpus);

    private VramShortfall Max(VramShortfall other) =>
        new(
            Math.Max(LowBytes, other.LowBytes),
            Math.Max(ExpectedBytes, other.ExpectedBytes),
            Math.Max(HighBytes, other.HighBytes),
            Math.Max(Gpus, other.Gpus)
        );

    private static VramShortfall? Of(ModelFacts model, LaunchPlan request, OutOfMemoryRun run)
    {
        var engine = EngineProfile.Of(request);
        var footprint = ModelFootprint.Of(model);
        var then = request with
        {
            ContextTokens = run.ContextTokens,
            ParallelSequences = run.ParallelSequences,
            Shortfall = null,
        };
        if (then.Validate(model) is not null || !footprint.CanSplit(run.GpuCount, engine, request.Format))
        {
            return null;
        }

        var had = engine.Usable(run.Gpu.VramBytes);
        var lesson = then.Lessons?.On(run.Gpu, run.GpuCount);
        var estimate = VramEstimate.Of(footprint, then, run.ContextTokens, run.GpuCount, engine, lesson);
        var half = Math.Max(1, run.ContextTokens / 2);
        var halved = VramEstimate.Of(footprint, then, half, run.GpuCount, engine, lesson);
        return new VramShortfall(
            Math.Max(0, had - estimate.Low),
            Math.Max(0, had + 1 - estimate.Expected),
            Math.Max(0, had - Math.Min(halved.High, estimate.High - 1)),
            run.GpuCount
        );
    }
}

/// <summary>A run that ended out of memory, and the GPUs that it had.</summary>
public sealed record OutOfMemoryRun(GpuType Gpu, int GpuCount, long ContextTokens, int ParallelSequences);
