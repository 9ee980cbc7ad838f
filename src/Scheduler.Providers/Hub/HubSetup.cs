using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Models;

namespace Scheduler.Providers.Hub;

internal static class HubSetup
{
    internal static IServiceCollection AddModelHub(this IServiceCollection services, IConfiguration configuration)
    {
        var section = configuration.GetSection(HubOptions.Section);
        services.AddOptions<HubOptions>().Bind(section);
        if (!(section.Get<HubOptions>() ?? new HubOptions()).Enabled)
        {
            return services;
        }

        services.TryAddSingleton(TimeProvider.System);
        services
            .AddHttpClient(HubClient.ClientName)
            // HubConnection follows redirects itself, and its caller has a time limit for the whole import.
            .ConfigurePrimaryHttpMessageHandler(() => new SocketsHttpHandler { AllowAutoRedirect = false })
            .ConfigureHttpClient(client => client.Timeout = Timeout.InfiniteTimeSpan);
        return services.AddSingleton<IModelHub>(provider => new HubClient(
            provider.GetRequiredService<IHttpClientFactory>(),
            provider.GetRequiredService<IOptions<HubOptions>>().Value,
            provider.GetRequiredService<TimeProvider>()
        ));
    }
}
