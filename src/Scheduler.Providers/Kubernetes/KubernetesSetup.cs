using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Kubernetes;

internal static class KubernetesSetup
{
    internal static IServiceCollection AddKubernetesProvider(
        this IServiceCollection services,
        IConfiguration configuration
    )
    {
        var section = configuration.GetSection(KubernetesOptions.Section);
        services.AddOptions<KubernetesOptions>().Bind(section);
        if (!(section.Get<KubernetesOptions>() ?? new KubernetesOptions()).Enabled)
        {
            return services;
        }

        services.TryAddSingleton(TimeProvider.System);
        services.AddHttpClient(RuntimeProbe.ClientName);
        services.AddSingleton<IProvider>(provider =>
        {
            var options = provider.GetRequiredService<IOptions<KubernetesOptions>>().Value;
            var clock = provider.GetRequiredService<TimeProvider>();
            return new KubernetesProvider(
                options,
                new KubernetesClient(options, clock),
                provider.GetRequiredService<GpuNameResolver>(),
                provider.GetRequiredService<IHttpClientFactory>(),
                clock,
                provider.GetRequiredService<ILogger<KubernetesProvider>>()
            );
        });
        return services;
    }
}
