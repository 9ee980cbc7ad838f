using Scheduler.Domain.Providers;
using Scheduler.ProviderTests.Http;
using Scheduler.VendorServers.Lambda;

namespace Scheduler.ProviderTests.Lambda;

public sealed class LambdaCrashTests : CreateCrashTests<LambdaCloud>
{
    private readonly LambdaWorld _world;

    public LambdaCrashTests()
    {
        _world = new LambdaWorld(Clock);
        Hasten(_world.Options);
    }

    private protected override int LeastExchange => 1000;

    public override void Dispose() => _world.Dispose();

    private protected override LambdaCloud NewCloud() => new(Clock) { CallEvery = TimeSpan.Zero };

    private protected override (int Made, int Left) Count(LambdaCloud cloud) => (cloud.Made, cloud.Machines.Count);

    private protected override bool IsCreate(HttpRequestMessage call) =>
        call.RequestUri!.AbsolutePath.EndsWith("/launch", StringComparison.Ordinal);

    private protected override IProvider Open(InMemoryVendor vendor) => _world.Open(vendor);

    private protected override AllocationRequest Request(string key) => LambdaWorld.Request(key);

    // Every byte of the answer, and some of the request, most of which is the boot script.
    private protected override bool IsTried(InMemoryVendor whole, int at) =>
        at >= whole.RequestBytes - 20 || at % 16 == 0;
}
