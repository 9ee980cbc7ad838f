using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Scheduler.Edge.Limits;

namespace Scheduler.Inference.Services;

/// <summary>Requires the serving table, the picker and the slots.</summary>
internal static class ServiceSetup
{
    public static IServiceCollection AddServices(this IServiceCollection services)
    {
        services.AddSingleton(at =>
        {
            var options = at.GetRequiredService<IOptions<InferenceOptions>>().Value;
            return new HoldBudget(
                options.MaxHeldRequests,
                at.GetRequiredService<MemoryBudget>().Bound / 100 * options.HeldMemoryPercent
            );
        });
        services.AddSingleton<LoadMeter>();
        services.AddSingleton<LoadReporter>();
        services.AddHostedService(at => at.GetRequiredService<LoadReporter>());
        services.AddSingleton<HoldMetrics>();
        services.AddSingleton<ReplicaPlaces>();
        return services;
    }
}
