using Scheduler.Domain.Providers;
using Scheduler.ProviderTests.Http;
using Scheduler.VendorServers.Lambda;

namespace Scheduler.ProviderTests.Lambda;

/// <summary>The provider contract on Lambda's API.</summary>
public sealed class LambdaConformanceTests : ProviderConformance
{
    private readonly PassingTime _time;
    private readonly LambdaWorld _world;

    public LambdaConformanceTests()
    {
        _time = new PassingTime(() => _world?.Vendor.IsQuiet == true);
        _world = new LambdaWorld(_time.Clock);
        // The clock runs much faster than this machine, which may be busy.
        _world.Options.SendWithin = TimeSpan.FromHours(1);
        _world.Options.CallTimeout = TimeSpan.FromMinutes(10);
        _world.Options.CreateTimeout = TimeSpan.FromMinutes(10);
        // The suite fills the offer, and Lambda tells no numbers.
        _world.Cloud.Capacity = 1;
    }

    // Machines tell neither the end of a container nor its output, and regions no numbers.
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
        return LambdaWorld.Request(
            key,
            behaviour == RuntimeBehaviour.Serves ? "tiny" : LambdaMachine.NeverReady,
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
