using Scheduler.Domain.Providers;
using Scheduler.ProviderTests.Http;
using Scheduler.VendorServers.Vast;

namespace Scheduler.ProviderTests.Vast;

public sealed class VastCrashTests : CreateCrashTests<VastCloud>
{
    private readonly VastWorld _world;

    public VastCrashTests()
    {
        _world = new VastWorld(Clock);
        Hasten(_world.Options);
    }

    private protected override int LeastExchange => 400;

    public override void Dispose() => _world.Dispose();

    private protected override VastCloud NewCloud() => new(Clock);

    private protected override (int Made, int Left) Count(VastCloud cloud) => (cloud.Made, cloud.Instances.Count);

    private protected override bool IsCreate(HttpRequestMessage call) => call.Method == HttpMethod.Put;

    private protected override IProvider Open(InMemoryVendor vendor) => _world.Open(vendor);

    private protected override AllocationRequest Request(string key) => VastWorld.Request(key);
}
