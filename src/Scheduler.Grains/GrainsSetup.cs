using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Storage;
using Scheduler.Grains.Agenda;
using Scheduler.Grains.Health;
using Scheduler.Grains.Instances;
using Scheduler.Grains.Models;
using Scheduler.Grains.Providers;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Grains;

/// <summary>Plugs the actors into a silo. Storage and providers are plugged in beside it.</summary>
public static class GrainsSetup
{
    /// <summary>Adds what the grains need; call it after the silo itself was added, so that its services start after it.</summary>
    /// <param name="services">The silo's services.</param>
    public static IServiceCollection AddSchedulerGrains(this IServiceCollection services)
    {
        services.AddMetrics();
        services.AddSingleton<SchedulerMetrics>();
        services.AddSingleton<ProviderDirectory>();
        services.AddSingleton<OfferBook>();
        services.AddSingleton<ModelLibrary>();
        services.AddSingleton<LaunchChecks>();
        services.AddSingleton<LaunchExplainer>();
        services.AddSingleton<InstanceProviderCalls>();
        services.AddSingleton<AllocationSweep>();
        services.AddSingleton(silo => new SiloHealth(
            silo.GetRequiredService<IAgenda>(),
            silo.GetRequiredService<OfferBook>(),
            silo.GetRequiredService<TimeProvider>(),
            silo.GetRequiredService<ILogger<SiloHealth>>()
        ));
        services.AddHostedService<ProviderKeeper>();
        services.AddHostedService<AgendaKeeper>();
        services.AddHostedService<SiloGauges>();
        services.AddHostedService<FleetGauges>();
        return services;
    }
}
