namespace Scheduler.Domain.Compatibility;

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
