using Scheduler.Providers.Gpus;

namespace Scheduler.Providers.Process;

/// <summary>A GPU of this host that can be offered.</summary>
/// <param name="Type">Name in the GPU catalogue.</param>
/// <param name="IsTaken">Whether an allocation has it.</param>
internal sealed record HostSlot(HostGpu Gpu, string Type, bool IsTaken);
