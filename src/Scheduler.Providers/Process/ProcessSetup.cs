using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Providers.Process;

internal static class ProcessSetup
{
    internal static IServiceCollection AddProcessProvider(
        this IServiceCollection services,
        IConfiguration configuration
    )
    {
        var section = configuration.GetSection(ProcessOptions.Section);
        services.AddOptions<ProcessOptions>().Bind(section);
        services.AddOptions<RuntimeOptions>();
        if (!(section.Get<ProcessOptions>() ?? new ProcessOptions()).Enabled)
        {
            return services;
        }

        services.TryAddSingleton(TimeProvider.System);
        services.AddHttpClient(RuntimeProbe.ClientName);
        services.AddSingleton<IProvider>(provider => new ProcessProvider(
            provider.GetRequiredService<IOptions<ProcessOptions>>().Value,
            provider.GetRequiredService<IOptions<RuntimeOptions>>().Value,
            provider.GetRequiredService<GpuNameResolver>(),
            provider.GetRequiredService<IHttpClientFactory>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ProcessProvider>>()
        ));
        return services;
    }
}
