using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.ModelFit;
using Scheduler.Providers.Kubernetes;
using Scheduler.VendorServers;
using Scheduler.VendorServers.Kubernetes;

namespace Scheduler.ProviderTests.Kubernetes;

/// <summary>The provider contract on the stand-in cluster.</summary>
public sealed class KubernetesProviderTests : KubernetesConformance { }

/// <summary>A cluster of one process with two nodes, and an adapter that is configured for it.</summary>
public abstract class KubernetesConformance : ProviderConformance
{
    internal const string OfferId = "eu-1/on-demand/H100-80GB-SXM:1";

    private readonly ServiceProvider _services = new ServiceCollection().AddHttpClient().BuildServiceProvider();
    private readonly DirectoryInfo _files = Directory.CreateTempSubdirectory("kubernetes-provider-");
    private readonly WebApplication _app;

    protected KubernetesConformance()
    {
        Server.AddNode("gpu-1", "NVIDIA-H100-80GB-HBM3", 81559, 2);
        Server.AddNode("gpu-2", "NVIDIA-H100-80GB-HBM3", 81559, 1);
        _app = VendorProgram.StartAsync(Server, cancellationToken: Ct).GetAwaiter().GetResult();
    }

    internal KubernetesServer Server { get; } = new();

    internal Action<KubernetesOptions> Configure { get; set; } = static _ => { };

    internal KubernetesOptions Options()
    {
        var file = Path.Combine(_files.FullName, "kubeconfig");
        File.WriteAllText(file, KubernetesServer.KubeConfig(VendorProgram.AddressOf(_app)));
        var options = new KubernetesOptions
        {
            Enabled = true,
            KubeConfig = file,
            Prices = { ["H100-80GB-SXM"] = 2.5m },
            PollEvery = TimeSpan.FromMilliseconds(10),
            ProbeEvery = TimeSpan.FromMilliseconds(20),
            StopGrace = TimeSpan.FromSeconds(1),
            UnschedulableAfter = TimeSpan.FromMilliseconds(30),
            StartErrorPatience = TimeSpan.FromSeconds(20),
            WatchTimeout = TimeSpan.FromSeconds(60),
        };
        Configure(options);
        return options;
    }

    protected override IProvider Open()
    {
        var options = Options();
        return new KubernetesProvider(
            options,
            new KubernetesClient(KubernetesClient.AccessOf(options), options, TimeProvider.System),
            (gpu, gib, type) => GpuCatalogue.Shipped.Resolve(gpu, gib, type)?.Name,
            _services.GetRequiredService<IHttpClientFactory>(),
            TimeProvider.System,
            NullLogger<KubernetesProvider>.Instance
        );
    }

    protected override AllocationRequest Request(string key, RuntimeBehaviour behaviour, string cluster = Cluster) =>
        RequestOf(
            key,
            behaviour switch
            {
                RuntimeBehaviour.Serves => "serves",
                RuntimeBehaviour.NeverReady => "never-ready",
                RuntimeBehaviour.OomAtLoad => "oom-at-load",
                RuntimeBehaviour.ModelLoadError => "model-load-error",
                RuntimeBehaviour.Exits => "exits",
                _ => throw new ArgumentOutOfRangeException(nameof(behaviour)),
            },
            cluster
        );

    internal static AllocationRequest RequestOf(
        string key,
        string behaviour,
        string cluster = Cluster,
        string offer = OfferId
    ) =>
        new(
            new(key),
            new AllocationTag(cluster, InstanceOf(key)),
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

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _app.DisposeAsync();
        await _services.DisposeAsync();
        _files.Delete(recursive: true);
        GC.SuppressFinalize(this);
    }
}
