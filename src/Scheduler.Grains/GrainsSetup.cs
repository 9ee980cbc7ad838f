using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Hosts;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Secrets;
using Scheduler.Domain.Storage;
using Scheduler.Grains.Agenda;
using Scheduler.Grains.Health;
using Scheduler.Grains.Hosts;
using Scheduler.Grains.Instances;
using Scheduler.Grains.Models;
using Scheduler.Grains.Providers;
using Scheduler.Grains.Requests;
using Scheduler.Grains.Services;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Grains;

/// <summary>Registers the grains in a silo. Storage and providers are registered separately.</summary>
public static class GrainsSetup
{
    /// <summary>
    /// Adds the grains' services. Call it after adding the silo itself, so that its hosted services start after the
    /// silo.
    /// </summary>
    public static IServiceCollection AddSchedulerGrains(this IServiceCollection services)
    {
        services.AddMetrics();
        services.AddInterfaceTypes();
        services.AddOptions<RuntimeOptions>();
        services.TryAddSingleton<ISecretVault, UnsetVault>();
        services.TryAddSingleton<IHostProbe, NoHostProbe>();
        services.AddSingleton<IHostRegistry, HostRegistry>();
        services.AddSingleton<SchedulerMetrics>();
        services.AddSingleton<ProviderDirectory>();
        services.AddSingleton<OfferCatalogue>();
        services.AddSingleton(silo =>
        {
            var providers = silo.GetRequiredService<ProviderDirectory>();
            return new RuntimeCatalogue(
                providers.Presets,
                providers.OwnOptions,
                silo.GetRequiredService<IOptions<RuntimeOptions>>().Value
            );
        });
        services.AddSingleton<ModelLibrary>();
        services.AddSingleton<LaunchNames>();
        services.AddSingleton<ModelTeaching>();
        services.AddSingleton<LaunchChecks>();
        services.AddSingleton<LaunchExplainer>();
        services.AddSingleton<ServiceChecks>();
        services.AddSingleton<InstanceSecrets>();
        services.AddSingleton<InstanceProviderCalls>();
        services.AddSingleton<AllocationSweep>();
        services.AddSingleton<CapacityWaiters>();
        services.AddSingleton<ClockKeeper>();
        services.AddHostedService(silo => silo.GetRequiredService<ClockKeeper>());
        services.AddSingleton(silo => new SiloHealth(
            silo.GetRequiredService<IStoreProbe>(),
            silo.GetRequiredService<OfferCatalogue>(),
            silo.GetRequiredService<ClockKeeper>(),
            silo.GetRequiredService<TimeProvider>(),
            silo.GetRequiredService<ILogger<SiloHealth>>()
        ));
        services.AddSingleton<InstanceWorkStop>();
        services.AddHostedService(silo => silo.GetRequiredService<InstanceWorkStop>());
        services.AddHostedService<ProviderService>();
        services.AddHostedService<AgendaService>();
        services.AddHostedService<RequestLogCleaning>();
        services.AddHostedService<SiloGauges>();
        services.AddHostedService<FleetGauges>();
        return services;
    }
}
