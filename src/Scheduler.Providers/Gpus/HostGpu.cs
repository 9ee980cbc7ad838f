namespace Scheduler.Providers.Gpus;

/// <summary>One GPU of a host, or one MIG slice of a GPU.</summary>
/// <param name="Uuid">
/// What the vendor's variable of visible devices takes: <c>GPU-…</c> or <c>MIG-…</c>. Unlike an index it never changes.
/// </param>
/// <param name="Name">The driver's name. A slice has its profile after it: <c>NVIDIA A100-SXM4-80GB MIG 1g.10gb</c>.</param>
/// <param name="FreeMib">Memory that no program uses. Drivers do not tell it for a slice, which has all of it free.</param>
internal sealed record HostGpu(
    string Uuid,
    string Name,
    long TotalMib,
    long FreeMib,
    GpuVendor Vendor = GpuVendor.Nvidia
)
{
    /// <summary>No GPU has more memory, MiB, so a larger value is an error in a tool's output.</summary>
    internal const long MaxMib = 16L << 20;

    /// <summary>Whether it is a slice. CUDA sees at most one slice in a process, so slices are never combined.</summary>
    internal bool IsSlice => Uuid.StartsWith("MIG-", StringComparison.Ordinal);
}

internal enum GpuVendor
{
    /// <summary>Visible devices are in <c>CUDA_VISIBLE_DEVICES</c>.</summary>
    Nvidia,

    /// <summary>Visible devices are in <c>ROCR_VISIBLE_DEVICES</c>.</summary>
    Amd,
}
