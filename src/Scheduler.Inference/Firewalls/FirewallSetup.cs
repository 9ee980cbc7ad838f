using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scheduler.Edge.Firewalls;

namespace Scheduler.Inference.Firewalls;

/// <summary>
/// Registers the firewall gate. Requires an <see cref="Serving.IServingTable"/> and an
/// <see cref="Upstream.IInstanceChat"/>.
/// </summary>
internal static class FirewallSetup
{
    /// <summary>Adds the gate, its dependencies, and the trial for the API, which has no judges.</summary>
    public static IServiceCollection AddFirewalls(this IServiceCollection services)
    {
        services.AddSingleton(at =>
            Options.Create(at.GetRequiredService<IOptions<InferenceOptions>>().Value.Firewalls)
        );
        services.AddSingleton<FirewallMetrics>();
        services.AddSingleton(at =>
        {
            var options = at.GetRequiredService<IOptions<FirewallGateOptions>>().Value;
            return new HedgePolicy(options.HedgeAfter, options.HedgePercent);
        });
        services.AddSingleton(at =>
        {
            var options = at.GetRequiredService<IOptions<FirewallGateOptions>>().Value;
            return new VerdictCache(
                options.RememberedVerdicts,
                TimeSpan.FromSeconds(options.RememberedSeconds),
                at.GetRequiredService<TimeProvider>()
            );
        });
        services.AddSingleton<JudgeClient>();
        services.AddSingleton<FirewallEvaluator>();
        services.AddSingleton<FirewallTable>();
        services.AddSingleton<IFirewallTable>(at => at.GetRequiredService<FirewallTable>());
        services.AddHostedService(at => at.GetRequiredService<FirewallTable>());
        services.AddSingleton<EvaluationRecorder>();
        services.AddSingleton<IEvaluationSink>(at => at.GetRequiredService<EvaluationRecorder>());
        services.AddHostedService(at => at.GetRequiredService<EvaluationRecorder>());
        services.AddSingleton<FirewallAudits>();
        services.AddSingleton<IFirewallAudits>(at => at.GetRequiredService<FirewallAudits>());
        services.AddHostedService(at => at.GetRequiredService<FirewallAudits>());
        services.AddSingleton<IFirewallGate, FirewallGate>();
        services.AddSingleton<IFirewallTrial, FirewallTrial>();
        return services;
    }
}
