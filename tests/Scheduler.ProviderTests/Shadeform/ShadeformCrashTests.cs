using Scheduler.Domain.Providers;
using Scheduler.ProviderTests.Http;
using Scheduler.VendorServers.Shadeform;

namespace Scheduler.ProviderTests.Shadeform;

public sealed class ShadeformCrashTests : CreateCrashTests<ShadeformCloud>
{
    private readonly ShadeformWorld _world;

    public ShadeformCrashTests()
    {
        _world = new ShadeformWorld(Clock);
        Hasten(_world.Options);
    }

    private protected override int LeastExchange => 400;

    public override void Dispose() => _world.Dispose();

    private protected override ShadeformCloud NewCloud() => new(Clock);

    private protected override (int Made, int Left) Count(ShadeformCloud cloud) => (cloud.Made, cloud.Machines.Count);

    private protected override bool IsCreate(HttpRequestMessage call) =>
        call.RequestUri!.AbsolutePath.EndsWith("/create", StringComparison.Ordinal);

    private protected override IProvider Open(InMemoryVendor vendor) => _world.Open(vendor);

    private protected override AllocationRequest Request(string key) => ShadeformWorld.Request(key);
}
