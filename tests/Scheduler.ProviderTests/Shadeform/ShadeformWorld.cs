using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.ModelFit;
using Scheduler.Providers.Http;
using Scheduler.Providers.Shadeform;
using Scheduler.ProviderTests.Http;
using Scheduler.VendorServers.Shadeform;

namespace Scheduler.ProviderTests.Shadeform;

/// <summary>The adapter and Shadeform's API in this process.</summary>
internal sealed class ShadeformWorld : IDisposable
{
    internal const string Cluster = "cluster-a";

    internal const string OfferId = "vultr/us-east-1/RTX4090x1";

    private readonly List<ShadeformProvider> _opened = [];
    private readonly string _keyFile = Path.GetTempFileName();

    internal ShadeformWorld(TimeProvider clock)
    {
        Clock = clock;
        Cloud = new ShadeformCloud(clock);
        Vendor = new InMemoryVendor(Cloud);
        Options = new ShadeformOptions
        {
            Enabled = true,
            BaseUrl = "https://shadeform.test/v1",
            EndpointUrl = "https://shadeform.test" + ShadeformCloud.RuntimePath,
            ApiKeyFile = _keyFile,
            ListFor = TimeSpan.FromSeconds(1),
            WatchEvery = TimeSpan.FromSeconds(1),
            ProbeEvery = TimeSpan.FromSeconds(1),
        };
        SetKey(Cloud.ApiKey);
    }

    internal TimeProvider Clock { get; }

    internal ShadeformCloud Cloud { get; }

    internal InMemoryVendor Vendor { get; }

    internal ShadeformOptions Options { get; }

    internal InMemoryAllocationJournal Journal { get; } = new();

    internal void SetKey(string key) => File.WriteAllText(_keyFile, key);

    internal ShadeformProvider Open(InMemoryVendor? vendor = null)
    {
        var provider = ShadeformSetup.Make(
            Options,
            Journal,
            (gpu, vramGib, type) => GpuCatalogue.Shipped.Resolve(gpu, vramGib, type)?.Name,
            vendor ?? Vendor,
            Clock,
            NullLogger<ShadeformProvider>.Instance
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
                new ProviderId("shadeform"),
                offerId,
                "us-east-1@vultr",
                "RTX4090",
                1,
                CapacityTier.Standard,
                false,
                MicroEuro.CeilingFromEuros(0.4m),
                1,
                new QuotedPrice("USD", 450_000)
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
