using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.ModelFit;
using Scheduler.Providers.Http;
using Scheduler.Providers.Lambda;
using Scheduler.ProviderTests.Http;
using Scheduler.VendorServers.Lambda;

namespace Scheduler.ProviderTests.Lambda;

/// <summary>The adapter and Lambda's API in this process.</summary>
internal sealed class LambdaWorld : IDisposable
{
    internal const string Cluster = "cluster-a";

    internal const string OfferId = "us-east-1/gpu_1x_a10";

    private readonly List<LambdaProvider> _opened = [];
    private readonly string _keyFile = Path.GetTempFileName();

    internal LambdaWorld(TimeProvider clock)
    {
        Clock = clock;
        Cloud = new LambdaCloud(clock);
        Vendor = new InMemoryVendor(Cloud);
        Options = new LambdaOptions
        {
            Enabled = true,
            BaseUrl = "https://lambda.test/api/v1",
            EndpointUrl = "https://lambda.test" + LambdaCloud.RuntimePath,
            ApiKeyFile = _keyFile,
            SshKeyName = Cloud.SshKey,
            ListFor = TimeSpan.FromSeconds(1),
            WatchEvery = TimeSpan.FromSeconds(1),
            ProbeEvery = TimeSpan.FromSeconds(1),
            CreateTimeout = TimeSpan.FromSeconds(20),
            Settle = TimeSpan.FromSeconds(30),
        };
        File.WriteAllText(_keyFile, Cloud.ApiKey);
    }

    internal TimeProvider Clock { get; }

    internal LambdaCloud Cloud { get; }

    internal InMemoryVendor Vendor { get; }

    internal LambdaOptions Options { get; }

    internal InMemoryAllocationJournal Journal { get; } = new();

    internal LambdaProvider Open(InMemoryVendor? vendor = null)
    {
        var provider = LambdaSetup.Make(
            Options,
            Journal,
            (gpu, vramGib, type) => GpuCatalogue.Shipped.Resolve(gpu, vramGib, type)?.Name,
            vendor ?? Vendor,
            Clock,
            NullLogger<LambdaProvider>.Instance
        );
        _opened.Add(provider);
        return provider;
    }

    internal static AllocationRequest Request(string key, string servingName = "tiny", string cluster = Cluster) =>
        new(
            new AllocationKey(key),
            new AllocationTag(cluster, new InstanceId(key[..key.IndexOf("-r", StringComparison.Ordinal)])),
            new Offer(
                new ProviderId("lambda"),
                OfferId,
                "us-east-1",
                "A10",
                1,
                CapacityTier.Standard,
                false,
                MicroEuro.CeilingFromEuros(0.69m),
                1,
                new QuotedPrice("USD", 750_000)
            ),
            new RuntimeSpec { Model = "Qwen/Qwen3-0.6B", ServingName = servingName },
            new RuntimeKey("rk-secret")
        );

    public void Dispose()
    {
        _opened.ForEach(provider => provider.Dispose());
        File.Delete(_keyFile);
    }
}
