using Microsoft.Extensions.DependencyInjection;

namespace Scheduler.Inference.Balancers;

/// <summary>Wires the choice of destinations. It needs a serving table, a chat with instances and a firewall gate beside it.</summary>
internal static class BalancerSetup
{
    /// <summary>Adds the picker, what it remembers, and the rounds of probes and reports.</summary>
    public static IServiceCollection AddBalancers(this IServiceCollection services)
    {
        services.AddSingleton<BalancerMetrics>();
        services.AddSingleton<DestinationProber>();
        services.AddSingleton<BalancerDesks>();
        services.AddHostedService(at => at.GetRequiredService<BalancerDesks>());
        services.AddSingleton<IntentRouter>();
        services.AddSingleton<IDestinationPicker, DestinationPicker>();
        return services;
    }
}
