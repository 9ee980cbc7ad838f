using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Docker;
using Scheduler.Providers.Hub;
using Scheduler.Providers.Kubernetes;
using Scheduler.Providers.Lambda;
using Scheduler.Providers.Process;
using Scheduler.Providers.RunPod;
using Scheduler.Providers.Shadeform;
using Scheduler.Providers.Simulated;
using Scheduler.Providers.Vast;
using Scheduler.Providers.Worker;

namespace Scheduler.Providers;

/// <summary>Registers each adapter that is enabled under <c>Providers</c> as a singleton <c>IProvider</c>.</summary>
public static class ProvidersSetup
{
    public const string Section = "Providers";

    /// <summary>Type of the settings of each adapter, by the name of its section under <c>Providers</c>.</summary>
    public static IReadOnlyDictionary<string, Type> Adapters { get; } =
        new Dictionary<string, Type>(StringComparer.OrdinalIgnoreCase)
        {
            ["Simulated"] = typeof(SimulatedOptions),
            ["Process"] = typeof(ProcessOptions),
            ["Worker"] = typeof(WorkerOptions),
            ["Kubernetes"] = typeof(KubernetesOptions),
            ["Docker"] = typeof(DockerOptions),
            ["RunPod"] = typeof(RunPodOptions),
            ["Lambda"] = typeof(LambdaOptions),
            ["Vast"] = typeof(VastOptions),
            ["Shadeform"] = typeof(ShadeformOptions),
        };

    /// <summary>Registers the enabled adapters, and the hub of models.</summary>
    /// <param name="configuration">Root of the host's configuration.</param>
    public static IServiceCollection AddProviders(
        this IServiceCollection services,
        IConfiguration configuration,
        GpuNameResolver resolver
    )
    {
        services.TryAddSingleton(resolver);
        services.AddHttpClient();
        services.TryAddSingleton<IRuntimeMetrics, RuntimeMetricsReader>();
        return services
            .AddSimulatedProvider(configuration)
            .AddProcessProvider(configuration)
            .AddWorkerProvider(configuration)
            .AddKubernetesProvider(configuration)
            .AddDockerProviders(configuration)
            .AddRunPodProvider(configuration)
            .AddLambdaProvider(configuration)
            .AddVastProvider(configuration)
            .AddShadeformProvider(configuration)
            .AddModelHub(configuration);
    }
}
