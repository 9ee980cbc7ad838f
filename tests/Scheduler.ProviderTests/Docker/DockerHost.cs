using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Docker;
using Scheduler.Providers.Http;
using Scheduler.VendorServers;
using Scheduler.VendorServers.Docker;
using Xunit;

namespace Scheduler.ProviderTests.Docker;

/// <summary>A played host, or a real engine, and the providers of any number of silos that use it.</summary>
internal sealed class DockerHost : IAsyncDisposable
{
    internal const string GpuOffer = "RTX4090x1";

    private static readonly string[] Modes =
    [
        "serves",
        "never-ready",
        "oom-at-load",
        "model-load-error",
        "exits",
        "hog",
    ];

    private readonly WebApplication? _app;
    private readonly ServiceProvider _services = new ServiceCollection().AddHttpClient().BuildServiceProvider();
    private readonly List<DockerProvider> _opened = [];

    private DockerHost(DockerServer server, WebApplication? app, string endpoint)
    {
        Server = server;
        _app = app;
        Options = new DockerOptions
        {
            Enabled = true,
            ProbeEvery = TimeSpan.FromMilliseconds(50),
            StopGrace = TimeSpan.FromSeconds(1),
            Hosts =
            {
                ["gpu-1"] = new DockerHostOptions
                {
                    Endpoint = endpoint,
                    PricePerGpuHour = 0.40m,
                    Gpus = [new DockerGpuOptions { Type = "RTX4090", Count = 3 }],
                },
            },
        };
        foreach (var mode in Modes)
        {
            Options.Presets[mode] = new DockerPresetOptions { Image = "fake-runtime:1", Arguments = ["--mode", mode] };
        }
    }

    internal DockerServer Server { get; }

    internal DockerQuirks Quirks => Server.Quirks;

    internal DockerOptions Options { get; }

    internal DockerHostOptions Host => Options.Hosts["gpu-1"];

    internal IAllocationJournal Journal { get; } = new InMemoryAllocationJournal();

    internal static async Task<DockerHost> StartAsync()
    {
        var server = new DockerServer();
        var app = await VendorProgram.StartAsync(server, cancellationToken: TestContext.Current.CancellationToken);
        return new DockerHost(
            server,
            app,
            FormattableString.Invariant($"tcp://127.0.0.1:{VendorProgram.AddressOf(app).Port}")
        );
    }

    /// <summary>Uses an engine that the caller runs.</summary>
    internal static DockerHost At(string endpoint) => new(new DockerServer(), null, endpoint);

    /// <summary>The provider of one silo, or the one after a restart.</summary>
    internal DockerProvider Open(TimeProvider? clock = null)
    {
        var provider = new DockerProvider(
            "gpu-1",
            Options,
            DockerTransport.Handler(Host),
            (gpu, vramGib, _) => gpu.Contains("4090", StringComparison.Ordinal) && vramGib > 20 ? "RTX4090" : null,
            Journal,
            _services.GetRequiredService<IHttpClientFactory>(),
            clock ?? TimeProvider.System,
            NullLogger<DockerProvider>.Instance
        );
        _opened.Add(provider);
        return provider;
    }

    internal static AllocationRequest Request(
        string key,
        string preset = "serves",
        string offer = GpuOffer,
        string cluster = "cluster-a"
    ) =>
        new(
            new AllocationKey(key),
            new AllocationTag(cluster, new InstanceId(key[..key.IndexOf("-r", StringComparison.Ordinal)])),
            new Offer(
                new ProviderId("docker-gpu-1"),
                offer,
                "gpu-1",
                "RTX4090",
                1,
                CapacityTier.Dedicated,
                Spot: false,
                MicroEuro.CeilingFromEuros(0.40m),
                1
            ),
            new RuntimeSpec
            {
                Preset = preset,
                Model = "m/tiny",
                ServingName = "tiny",
            }
        );

    public async ValueTask DisposeAsync()
    {
        _opened.ForEach(provider => provider.Dispose());
        await _services.DisposeAsync();
        Server.Dispose();
        if (_app is not null)
        {
            await _app.DisposeAsync();
        }
    }
}
