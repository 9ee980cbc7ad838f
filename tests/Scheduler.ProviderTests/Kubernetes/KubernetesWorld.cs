using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.ModelFit;
using Scheduler.Providers.Kubernetes;
using Scheduler.TestKit;
using Scheduler.VendorServers;
using Scheduler.VendorServers.Kubernetes;

namespace Scheduler.ProviderTests.Kubernetes;

/// <summary>A cluster of one process with two nodes and three GPUs, and adapters that are configured for it.</summary>
internal sealed class KubernetesWorld : IAsyncDisposable
{
    internal const string OfferId = "eu-1/on-demand/H100-80GB-SXM:1";
    internal const string Cluster = "cluster-a";

    private readonly ServiceProvider _services = new ServiceCollection().AddHttpClient().BuildServiceProvider();
    private readonly DirectoryInfo _files = Directory.CreateTempSubdirectory("kubernetes-provider-");
    private readonly List<KubernetesProvider> _opened = [];
    private readonly WebApplication _app;
    private readonly LoggerFactory _logs;

    private KubernetesWorld(KubernetesServer server, WebApplication app) =>
        (Server, _app, _logs) = (server, app, new LoggerFactory([Log]));

    internal KubernetesServer Server { get; }

    internal TestLog Log { get; } = new();

    internal static async Task<KubernetesWorld> StartAsync(CancellationToken cancellationToken)
    {
        var server = new KubernetesServer();
        server.AddNode("gpu-1", "NVIDIA-H100-80GB-HBM3", 81559, 2);
        server.AddNode("gpu-2", "NVIDIA-H100-80GB-HBM3", 81559, 1);
        return new KubernetesWorld(
            server,
            await VendorProgram.StartAsync(server, cancellationToken: cancellationToken)
        );
    }

    internal KubernetesProvider Open(Action<KubernetesOptions>? configure = null, TimeProvider? clock = null)
    {
        WriteAccess();
        var options = new KubernetesOptions
        {
            Enabled = true,
            KubeConfig = AccessFile,
            Prices = { ["H100-80GB-SXM"] = 2.5m },
            PollEvery = TimeSpan.FromMilliseconds(10),
            ProbeEvery = TimeSpan.FromMilliseconds(20),
            StopGrace = TimeSpan.FromSeconds(1),
            UnschedulableAfter = TimeSpan.FromMilliseconds(30),
            StartErrorPatience = TimeSpan.FromSeconds(20),
            WatchTimeout = TimeSpan.FromSeconds(60),
        };
        configure?.Invoke(options);
        var provider = new KubernetesProvider(
            options,
            new KubernetesClient(options, clock ?? TimeProvider.System),
            (gpu, gib, type) => GpuCatalogue.Shipped.Resolve(gpu, gib, type)?.Name,
            _services.GetRequiredService<IHttpClientFactory>(),
            clock ?? TimeProvider.System,
            _logs.CreateLogger<KubernetesProvider>()
        );
        _opened.Add(provider);
        return provider;
    }

    internal Uri Address => VendorProgram.AddressOf(_app);

    /// <summary>Writes a kubeconfig file with the token that the server takes now.</summary>
    /// <param name="address">Way to the server; null for its own address.</param>
    internal string WriteAccess(Uri? address = null)
    {
        var file = address is null ? AccessFile : $"{AccessFile}-{address.Port}";
        File.WriteAllText(file, Server.KubeConfig(address ?? Address));
        return file;
    }

    private string AccessFile => Path.Combine(_files.FullName, "kubeconfig");

    internal static AllocationRequest Request(
        string key,
        string behaviour = "serves",
        string cluster = Cluster,
        string offer = OfferId
    ) =>
        new(
            new(key),
            new AllocationTag(cluster, new InstanceId(key[..key.IndexOf("-r", StringComparison.Ordinal)])),
            new Offer(
                new("kubernetes"),
                offer,
                "eu-1",
                "H100-80GB-SXM",
                1,
                CapacityTier.Dedicated,
                false,
                MicroEuro.FromEuros(2),
                3
            ),
            new RuntimeSpec
            {
                Preset = "vllm",
                Model = "stand-in/" + behaviour,
                ServingName = "demo",
                ContextTokens = 4096,
            },
            new RuntimeKey("runtime-key-of-" + key)
        );

    public async ValueTask DisposeAsync()
    {
        foreach (var provider in _opened)
        {
            provider.Dispose();
        }

        _logs.Dispose();
        await _app.DisposeAsync();
        await _services.DisposeAsync();
        _files.Delete(recursive: true);
    }
}
