namespace Scheduler.Providers;

/// <param name="gpu">Vendor's name, for example <c>A100</c> or <c>NVIDIA H100 80GB HBM3</c>.</param>
/// <param name="vramGib">GiB of one GPU as the vendor states it; distinguishes variants with the same name.</param>
/// <param name="instanceType">Vendor's name of the machine, which may distinguish PCIe from SXM; may be empty.</param>
/// <returns>The catalogue name; null if the catalogue does not contain the GPU.</returns>
public delegate string? GpuNameResolver(string gpu, double vramGib, string instanceType);
