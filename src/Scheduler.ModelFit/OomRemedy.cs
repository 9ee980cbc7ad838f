namespace Scheduler.ModelFit;

/// <summary>A change that prevents a launch from running out of memory again.</summary>
/// <param name="ContextTokens">
/// Lower context than before that fits the same GPUs comfortably, tokens; null when there is none.
/// </param>
/// <param name="Gpu">Catalogue name of the next larger GPU that fits comfortably; null when there is none.</param>
public sealed record OomRemedy(long? ContextTokens, string? Gpu, int? GpuCount)
{
    /// <summary>
    /// The least memory of a larger choice, for memory that was not enough. GPUs come in steps of one and a half to two
    /// (16, 24, 40, 80, 141 GB). How much the run needed is unknown, so less than one such step might fail again.
    /// </summary>
    /// <param name="bytes">Memory of all GPUs that were not enough together.</param>
    public static long LeastAfter(long bytes) => checked(bytes + (bytes / 2));

    /// <param name="request">With the shortfall of the run that died.</param>
    /// <param name="gpu">The GPU of that run.</param>
    public static OomRemedy For(ModelFacts model, LaunchPlan request, GpuType gpu, int count, GpuCatalogue catalogue)
    {
        var comfortable = GpuFit.LargestContextThatFits(model, request, gpu, count);
        var least = LeastAfter(checked(gpu.VramBytes * count));
        var larger = GpuFit.SmallestThatFits(model, request, catalogue, gpu.Vendor, least - 1);
        return new OomRemedy(comfortable < request.ContextTokens ? comfortable : null, larger?.Gpu.Name, larger?.Count);
    }
}
