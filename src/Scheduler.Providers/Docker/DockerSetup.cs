using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Docker;

internal static class DockerSetup
{
    /// <summary>Registers one provider for each configured host.</summary>
    internal static IServiceCollection AddDockerProviders(
        this IServiceCollection services,
        IConfiguration configuration
    )
    {
        var section = configuration.GetSection(DockerOptions.Section);
        services.AddOptions<DockerOptions>().Bind(section);
        var options = section.Get<DockerOptions>() ?? new DockerOptions();
        if (!options.Enabled)
        {
            return services;
        }

        services.TryAddSingleton(TimeProvider.System);
        services.AddHttpClient(RuntimeProbe.ClientName);
        foreach (var host in options.Hosts.Keys)
        {
            services.AddSingleton<IProvider>(provider =>
            {
                var bound = provider.GetRequiredService<IOptions<DockerOptions>>().Value;
                return new DockerProvider(
                    host,
                    bound,
                    DockerTransport.Handler(bound.Hosts[host]),
                    provider.GetRequiredService<GpuNameResolver>(),
                    provider.GetRequiredService<IAllocationJournal>(),
                    provider.GetRequiredService<IHttpClientFactory>(),
                    provider.GetRequiredService<TimeProvider>(),
                    provider.GetRequiredService<ILogger<DockerProvider>>()
                );
            });
        }

        return services;
    }
}
