using System.Globalization;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.ModelFit;
using Scheduler.Providers.Http;
using Scheduler.Providers.Vast;
using Scheduler.ProviderTests.Http;
using Scheduler.VendorServers.Vast;

namespace Scheduler.ProviderTests.Vast;

/// <summary>The adapter and Vast's API in this process.</summary>
internal sealed class VastWorld : IDisposable
{
    internal const string Cluster = "cluster-a";

    private readonly List<VastProvider> _opened = [];
    private readonly string _keyFile = Path.GetTempFileName();

    internal VastWorld(TimeProvider clock)
    {
        Clock = clock;
        Cloud = new VastCloud(clock);
        Vendor = new InMemoryVendor(Cloud);
        Options = new VastOptions
        {
            Enabled = true,
            BaseUrl = "https://vast.test/api",
            RuntimeUrl = "https://vast.test" + VastCloud.RuntimePath,
            ApiKeyFile = _keyFile,
            ListFor = TimeSpan.FromSeconds(1),
            WatchEvery = TimeSpan.FromSeconds(1),
            ProbeEvery = TimeSpan.FromSeconds(1),
        };
        SetKey(Cloud.ApiKey);
    }

    internal TimeProvider Clock { get; }

    internal VastCloud Cloud { get; }

    internal InMemoryVendor Vendor { get; }

    internal VastOptions Options { get; }

    internal InMemoryAllocationJournal Journal { get; } = new();

    internal void SetKey(string key) => File.WriteAllText(_keyFile, key);

    internal VastProvider Open(InMemoryVendor? vendor = null)
    {
        var provider = VastSetup.Make(
            Options,
            Journal,
            (gpu, vramGib, type) => GpuCatalogue.Shipped.Resolve(gpu, vramGib, type)?.Name,
            vendor ?? Vendor,
            Clock,
            NullLogger<VastProvider>.Instance
        );
        _opened.Add(provider);
        return provider;
    }

    /// <summary>Each key asks for a slice of its own, except that <c>i-last</c> asks for that of <c>i-0</c>.</summary>
    internal static string OfferOf(string key)
    {
        var name = key[..key.IndexOf("-r", StringComparison.Ordinal)];
        var ask = name is "i-0" or "i-last" ? 0 : 1 + (name.Sum(letter => letter) % 39);
        return string.Create(CultureInfo.InvariantCulture, $"ask/{1000 + ask}");
    }

    internal static AllocationRequest Request(
        string key,
        string servingName = "tiny",
        string cluster = Cluster,
        string? offerId = null
    ) =>
        new(
            new AllocationKey(key),
            new AllocationTag(cluster, new InstanceId(key[..key.IndexOf("-r", StringComparison.Ordinal)])),
            new Offer(
                new ProviderId("vast"),
                offerId ?? OfferOf(key),
                "US",
                "RTX4090",
                1,
                CapacityTier.Community,
                false,
                MicroEuro.CeilingFromEuros(0.4m),
                1,
                new QuotedPrice("USD", 440_000)
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
