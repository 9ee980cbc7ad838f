using Scheduler.Domain.Providers;
using Scheduler.ProviderTests.Http;
using Scheduler.VendorServers.RunPod;

namespace Scheduler.ProviderTests.RunPod;

public sealed class RunPodCrashTests : CreateCrashTests<RunPodCloud>
{
    private readonly RunPodWorld _world;

    public RunPodCrashTests()
    {
        _world = new RunPodWorld(Clock);
        Hasten(_world.Options);
    }

    private protected override int LeastExchange => 1000;

    public override void Dispose() => _world.Dispose();

    private protected override RunPodCloud NewCloud() => new(Clock);

    private protected override (int Made, int Left) Count(RunPodCloud cloud) => (cloud.Made, cloud.Pods.Count);

    private protected override bool IsCreate(HttpRequestMessage call) => call.Method == HttpMethod.Post;

    private protected override IProvider Open(InMemoryVendor vendor) => _world.Open(vendor);

    private protected override AllocationRequest Request(string key) => RunPodWorld.Request(key);
}
