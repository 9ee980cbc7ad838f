using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Simulated;

internal static class SimulatedSetup
{
    internal static IServiceCollection AddSimulatedProvider(
        this IServiceCollection services,
        IConfiguration configuration
    )
    {
        var section = configuration.GetSection(SimulatedOptions.Section);
        services.AddOptions<SimulatedOptions>().Bind(section);
        var options = section.Get<SimulatedOptions>() ?? new SimulatedOptions();
        if (!options.Enabled)
        {
            return services;
        }

        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new SimulatedMarket(
            provider.GetRequiredService<IOptions<SimulatedOptions>>().Value,
            provider.GetRequiredService<GpuNameResolver>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<SimulatedMarket>>()
        ));
        services.AddSingleton<StandInRuntime>();
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<StandInRuntime>());
        foreach (var id in SimulatedMarket.ProviderIds(options))
        {
            services.AddSingleton<IProvider>(provider => provider.GetRequiredService<SimulatedMarket>().Provider(id));
        }

        return services;
    }
}
