using Scheduler.Domain.Providers;
using Scheduler.ProviderTests.Http;
using Scheduler.VendorServers.Shadeform;

namespace Scheduler.ProviderTests.Shadeform;

/// <summary>The provider contract on Shadeform's API.</summary>
public sealed class ShadeformConformanceTests : ProviderConformance
{
    private readonly PassingTime _time;
    private readonly ShadeformWorld _world;

    public ShadeformConformanceTests()
    {
        _time = new PassingTime(() => _world?.Vendor.IsQuiet == true);
        _world = new ShadeformWorld(_time.Clock);
        // The suite fills the offer, and Shadeform tells no numbers.
        _world.Cloud.Capacity = 1;
    }

    // The status is that of the machine: it tells neither the end of a container nor its output. Types tell no numbers.
    protected override ProviderAbilities Abilities { get; } =
        new()
        {
            CountsStock = false,
            TellsExit = false,
            ReadsOutput = false,
        };

    protected override IProvider Open() => _world.Open();

    protected override AllocationRequest Request(string key, RuntimeBehaviour behaviour, string cluster = Cluster)
    {
        // Several machines at once are other tests' matter.
        _world.Cloud.Capacity = key is "i-0-r1-a1" or "i-last-r1-a1" ? 1 : 4;
        return ShadeformWorld.Request(
            key,
            behaviour == RuntimeBehaviour.Serves ? "tiny" : ShadeformMachine.NeverReady,
            cluster
        ) with
        {
            Tag = new AllocationTag(cluster, InstanceOf(key)),
        };
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _time.DisposeAsync();
        _world.Dispose();
    }
}
