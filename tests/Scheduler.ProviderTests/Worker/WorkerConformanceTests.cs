using Scheduler.Domain.Providers;
using Scheduler.ProviderTests.Process;

namespace Scheduler.ProviderTests.Worker;

/// <summary>The provider contract through a worker with mutual TLS. A restart is another adapter over the same journal.</summary>
public sealed class WorkerConformanceTests : ProviderConformance
{
    private readonly WorkerWorld _world = Started();

    protected override IProvider Open() => _world.Open();

    protected override AllocationRequest Request(string key, RuntimeBehaviour behaviour, string cluster = Cluster) =>
        WorkerWorld.Request(key, "gpu-1", FakeRuntimes.ModeOf(behaviour), cluster);

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _world.DisposeAsync();
    }

    private static WorkerWorld Started()
    {
        var world = new WorkerWorld(TimeProvider.System);
        world.JoinAsync("gpu-1").GetAwaiter().GetResult();
        return world;
    }
}
