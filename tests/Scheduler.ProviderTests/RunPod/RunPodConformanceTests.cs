using Scheduler.Domain.Providers;
using Scheduler.ProviderTests.Http;
using Scheduler.VendorServers.RunPod;

namespace Scheduler.ProviderTests.RunPod;

/// <summary>The provider contract on RunPod's API.</summary>
public sealed class RunPodConformanceTests : ProviderConformance
{
    private readonly PassingTime _time;
    private readonly RunPodWorld _world;

    public RunPodConformanceTests()
    {
        _time = new PassingTime(() => _world?.Vendor.IsQuiet == true);
        _world = new RunPodWorld(_time.Clock);
        // The clock runs much faster than this machine, which may be busy.
        _world.Options.SendWithin = TimeSpan.FromHours(1);
        _world.Options.CallTimeout = TimeSpan.FromMinutes(10);
        _world.Options.CreateTimeout = TimeSpan.FromMinutes(10);
    }

    // RunPod tells stock in three words. A falling uptime tells an exit.
    protected override ProviderAbilities Abilities { get; } = new() { CountsStock = false };

    protected override IProvider Open() => _world.Open();

    protected override AllocationRequest Request(string key, RuntimeBehaviour behaviour, string cluster = Cluster) =>
        RunPodWorld.Request(
            key,
            behaviour switch
            {
                RuntimeBehaviour.Serves => "tiny",
                RuntimeBehaviour.NeverReady => RunPodPod.NeverReady,
                RuntimeBehaviour.OomAtLoad => RunPodPod.OomAtLoad,
                RuntimeBehaviour.ModelLoadError => RunPodPod.ModelLoadError,
                RuntimeBehaviour.Exits => RunPodPod.Exits,
                _ => throw new System.Diagnostics.UnreachableException(),
            },
            cluster
        ) with
        {
            Tag = new AllocationTag(cluster, InstanceOf(key)),
        };

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _time.DisposeAsync();
        _world.Dispose();
    }
}
