namespace Scheduler.Providers.Docker;

/// <summary>What a container may hold: a GPU of the host, or a place for a runtime without one.</summary>
/// <param name="Id">Id of the GPU; <c>cpu-{n}</c> for a place without one.</param>
internal sealed record DockerSlot(string Type, string Id, bool IsCpu);
