using Microsoft.Extensions.DependencyInjection;

namespace Scheduler.Inference.Balancers;

/// <summary>Requires the serving table, the instance chat and the firewall gate.</summary>
internal static class BalancerSetup
{
    public static IServiceCollection AddBalancers(this IServiceCollection services)
    {
        services.AddSingleton<BalancerMetrics>();
        services.AddSingleton<DestinationProber>();
        services.AddSingleton<BalancerStates>();
        services.AddHostedService(at => at.GetRequiredService<BalancerStates>());
        services.AddSingleton<IntentRouter>();
        services.AddSingleton<IDestinationPicker, DestinationPicker>();
        return services;
    }
}
