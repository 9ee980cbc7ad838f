using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.ModelFit;
using Scheduler.Providers.Http;
using Scheduler.Providers.RunPod;
using Scheduler.ProviderTests.Http;
using Scheduler.VendorServers.RunPod;

namespace Scheduler.ProviderTests.RunPod;

/// <summary>The adapter and RunPod's API in this process.</summary>
internal sealed class RunPodWorld : IDisposable
{
    internal const string Cluster = "cluster-a";

    internal const string OfferId = "SECURE/EU-RO-1/NVIDIA GeForce RTX 4090/1";

    private readonly List<RunPodProvider> _opened = [];
    private readonly string _keyFile = Path.GetTempFileName();

    internal RunPodWorld(TimeProvider clock)
    {
        Clock = clock;
        Cloud = new RunPodCloud(clock) { Capacity = 4 };
        Vendor = new InMemoryVendor(Cloud);
        Options = new RunPodOptions
        {
            Enabled = true,
            BaseUrl = "https://runpod.test/v2",
            ProxyUrl = "https://runpod.test" + RunPodCloud.ProxyPath,
            ApiKeyFile = _keyFile,
            ListFor = TimeSpan.FromSeconds(1),
            WatchEvery = TimeSpan.FromSeconds(1),
            ProbeEvery = TimeSpan.FromSeconds(1),
        };
        SetKey(Cloud.ApiKey);
    }

    internal TimeProvider Clock { get; }

    internal RunPodCloud Cloud { get; }

    internal InMemoryVendor Vendor { get; }

    internal RunPodOptions Options { get; }

    internal InMemoryAllocationJournal Journal { get; } = new();

    internal void SetKey(string key) => File.WriteAllText(_keyFile, key);

    internal RunPodProvider Open(InMemoryVendor? vendor = null)
    {
        var provider = RunPodSetup.Make(
            Options,
            Journal,
            (gpu, vramGib, type) => GpuCatalogue.Shipped.Resolve(gpu, vramGib, type)?.Name,
            vendor ?? Vendor,
            Clock,
            NullLogger<RunPodProvider>.Instance
        );
        _opened.Add(provider);
        return provider;
    }

    internal static AllocationRequest Request(
        string key,
        string servingName = "tiny",
        string cluster = Cluster,
        string offerId = OfferId
    ) =>
        new(
            new AllocationKey(key),
            new AllocationTag(cluster, new InstanceId(key[..key.IndexOf("-r", StringComparison.Ordinal)])),
            new Offer(
                new ProviderId("runpod"),
                offerId,
                "EU-RO-1",
                "RTX4090",
                1,
                CapacityTier.Standard,
                false,
                MicroEuro.CeilingFromEuros(0.6348m),
                4,
                new QuotedPrice("USD", 690_000)
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
