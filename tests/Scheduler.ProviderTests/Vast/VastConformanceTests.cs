using Scheduler.Domain.Providers;
using Scheduler.ProviderTests.Http;
using Scheduler.VendorServers.Vast;

namespace Scheduler.ProviderTests.Vast;

/// <summary>The provider contract on Vast's API.</summary>
public sealed class VastConformanceTests : ProviderConformance
{
    private readonly PassingTime _time;
    private readonly VastWorld _world;

    public VastConformanceTests()
    {
        _time = new PassingTime(() => _world?.Vendor.IsQuiet == true);
        _world = new VastWorld(_time.Clock);
    }

    // An offer is one slice, and is gone while it is rented.
    protected override ProviderAbilities Abilities { get; } = new() { CountsStock = false };

    protected override IProvider Open() => _world.Open();

    protected override AllocationRequest Request(string key, RuntimeBehaviour behaviour, string cluster = Cluster) =>
        VastWorld.Request(
            key,
            behaviour switch
            {
                RuntimeBehaviour.Serves => "tiny",
                RuntimeBehaviour.NeverReady => VastInstance.NeverReady,
                RuntimeBehaviour.OomAtLoad => VastInstance.OomAtLoad,
                RuntimeBehaviour.ModelLoadError => VastInstance.ModelLoadError,
                RuntimeBehaviour.Exits => VastInstance.Exits,
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
