namespace Scheduler.Providers.Process;

/// <summary>One GPU of this host.</summary>
/// <param name="Uuid">The driver's id: what <c>CUDA_VISIBLE_DEVICES</c> takes; unlike an index it never moves.</param>
/// <param name="Name">The driver's name.</param>
/// <param name="TotalMib">Memory in MiB.</param>
/// <param name="FreeMib">Memory nobody uses now, in MiB.</param>
internal sealed record HostGpu(string Uuid, string Name, long TotalMib, long FreeMib);
