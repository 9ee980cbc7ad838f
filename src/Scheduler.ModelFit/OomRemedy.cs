namespace Scheduler.ModelFit;

/// <summary>A change that prevents a launch from running out of memory again.</summary>
/// <param name="ContextTokens">
/// Lower context than before that fits the same GPUs comfortably, tokens; null when there is none.
/// </param>
/// <param name="Gpu">Catalogue name of the next larger GPU that fits comfortably; null when there is none.</param>
public sealed record OomRemedy(long? ContextTokens, string? Gpu, int? GpuCount)
{
    /// <remarks>
    /// If the estimate considers the current context comfortable, the estimate was wrong for this model (custom loaders
    /// have used twice the weights). Half the context is then proposed, because the estimate's own number would fail
    /// again.
    /// </remarks>
    public static OomRemedy For(ModelFacts model, FitRequest request, GpuType gpu, int count, GpuCatalogue catalogue)
    {
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
