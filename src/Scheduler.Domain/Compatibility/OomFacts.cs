using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Compatibility;

/// <summary>What ran when the runtime exceeded VRAM, and what to change: the facts behind <c>OOM_KILLED</c>.</summary>
public sealed record OomFacts() : FailureFacts(FailureCode.OomKilled)
{
    /// <summary>The model.</summary>
    public string Model { get; init; } = "";

    /// <summary>Context it ran with, tokens.</summary>
    public long ContextTokens { get; init; }

    /// <summary>Sequences at once.</summary>
    public int ParallelSequences { get; init; }

    /// <summary>Catalogue name of the GPU it ran on.</summary>
    public string Gpu { get; init; } = "";

    /// <summary>How many of it.</summary>
    public int GpuCount { get; init; }

    /// <summary>What would help.</summary>
    public OomRemedy Remedy { get; init; } = new(null, null, null);

    /// <summary>The facts of a launch that ran out of memory.</summary>
    /// <param name="model">What ran.</param>
    /// <param name="request">How it ran.</param>
    /// <param name="gpu">On which GPU.</param>
    /// <param name="count">On how many.</param>
    /// <param name="catalogue">The GPUs there are.</param>
    public static OomFacts Of(ModelFacts model, FitRequest request, GpuType gpu, int count, GpuCatalogue catalogue)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(gpu);
        return new OomFacts
        {
            Model = model.Name,
            ContextTokens = request.ContextTokens,
            ParallelSequences = request.ParallelSequences,
            Gpu = gpu.Name,
            GpuCount = count,
            Remedy = OomRemedy.For(model, request, gpu, count, catalogue),
        };
    }
}

/// <summary>What would keep a launch from running out of memory again.</summary>
/// <param name="ContextTokens">A context lower than the present one that is comfortable on the same GPUs, tokens; null when there is none.</param>
/// <param name="Gpu">Catalogue name of the next larger GPU that is comfortable; null when there is none.</param>
/// <param name="GpuCount">How many of it.</param>
public sealed record OomRemedy(long? ContextTokens, string? Gpu, int? GpuCount)
{
    /// <summary>Works the remedy out.</summary>
    /// <remarks>
    /// Where the estimate says that the present context is comfortable, it was wrong for this model (custom loaders have been seen to take
    /// twice the weights); then half the context is proposed rather than a number the estimate would have called safe before.
    /// </remarks>
    /// <param name="model">What ran.</param>
    /// <param name="request">How it ran.</param>
    /// <param name="gpu">On which GPU.</param>
    /// <param name="count">On how many.</param>
    /// <param name="catalogue">The GPUs there are.</param>
    public static OomRemedy For(ModelFacts model, FitRequest request, GpuType gpu, int count, GpuCatalogue catalogue)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(gpu);
        var comfortable = GpuFit.LargestContextThatFits(model, request, gpu, count);
        var half = request.ContextTokens / 2 / GpuFit.ContextStep * GpuFit.ContextStep;
        var lower =
            comfortable < request.ContextTokens ? comfortable
            : comfortable is null || half == 0 ? null
            : (long?)half;
        var larger = GpuFit.SmallestThatFits(model, request, catalogue, gpu.Vendor, checked(gpu.VramBytes * count));
        return new OomRemedy(lower, larger?.Gpu.Name, larger?.Count);
    }
}
