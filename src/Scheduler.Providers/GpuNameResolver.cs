namespace Scheduler.Providers;

/// <summary>Gives a vendor's GPU name its catalogue name.</summary>
/// <param name="gpu">The vendor's own name, for example <c>A100</c> or <c>NVIDIA H100 80GB HBM3</c>.</param>
/// <param name="vramGib">VRAM of one GPU in GiB as the vendor states it; tells variants of one name apart.</param>
/// <param name="instanceType">The vendor's name of the whole machine, which may tell PCIe from SXM; may be empty.</param>
/// <returns>The catalogue name, or null for a GPU that the catalogue does not know.</returns>
public delegate string? GpuNameResolver(string gpu, double vramGib, string instanceType);
