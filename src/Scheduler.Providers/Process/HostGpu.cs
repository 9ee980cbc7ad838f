namespace Scheduler.Providers.Process;

/// <param name="Uuid">The driver's id, for <c>CUDA_VISIBLE_DEVICES</c>. Unlike an index it never changes.</param>
internal sealed record HostGpu(string Uuid, string Name, long TotalMib, long FreeMib);
