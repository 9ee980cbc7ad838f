using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Hosts;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Worker;

internal static class WorkerSetup
{
    internal static IServiceCollection AddWorkerProvider(this IServiceCollection services, IConfiguration configuration)
    {
        var section = configuration.GetSection(WorkerOptions.Section);
        services.AddOptions<WorkerOptions>().Bind(section);
        if (!(section.Get<WorkerOptions>() ?? new WorkerOptions()).Enabled)
        {
            return services;
        }

        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => new WorkerProvider(
            provider.GetRequiredService<IOptions<WorkerOptions>>().Value,
            provider.GetRequiredService<IHostRegistry>(),
            provider.GetRequiredService<IAllocationJournal>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<WorkerProvider>>()
        ));
        services.AddSingleton<IProvider>(provider => provider.GetRequiredService<WorkerProvider>());
        services.AddSingleton<IHostProbe>(provider => provider.GetRequiredService<WorkerProvider>());
        return services;
    }
}
