using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Scheduler.Edge.Limits;
using Scheduler.Edge.Requests;
using Scheduler.Grains.Keys;

namespace Scheduler.Edge;

/// <summary>Adds the services that API, gateway and dashboard share.</summary>
internal static class EdgeSetup
{
    /// <summary>Harmless when repeated.</summary>
    public static IServiceCollection AddEdge(this IServiceCollection services)
    {
        services.AddKeys();
        services.AddMemoryBudget();
        if (services.Any(service => service.ServiceType == typeof(RequestLog)))
        {
            return services;
        }

        services.AddOptions<RequestLogOptions>().BindConfiguration(RequestLogOptions.Section);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<RequestLogLines>();
        services.AddSingleton<RequestLog>();
        services.AddHostedService(provider => provider.GetRequiredService<RequestLog>());
        return services;
    }

    /// <summary>Adds the one budget of the process, and the metrics that show it. Harmless when repeated.</summary>
    public static void AddMemoryBudget(this IServiceCollection services)
    {
        if (services.Any(service => service.ServiceType == typeof(MemoryBudget)))
        {
            return;
        }

        services.AddOptions<MemoryOptions>().BindConfiguration(MemoryOptions.Section);
        services.TryAddSingleton<IFullCollections, FullCollections>();
        services.AddSingleton(provider => new MemoryBudget(
            provider
                .GetRequiredService<IOptions<MemoryOptions>>()
                .Value.Bound(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes),
            provider.GetRequiredService<IFullCollections>(),
            provider.GetRequiredService<TimeProvider>()
        ));
        services.AddSingleton<EdgeMetrics>();
        services.AddHostedService<MemoryTrim>();
    }

    /// <param name="key">
    /// The service key of the <see cref="RequestAdmission"/>; API, gateway and dashboard have one each.
    /// </param>
    public static void AddRequestAdmission(
        this IServiceCollection services,
        string key,
        Func<IServiceProvider, LimitSettings> limits
    ) =>
        services.AddKeyedSingleton(
            key,
            (at, _) =>
                new RequestAdmission(
                    at.GetRequiredService<KeyAuthority>(),
                    at.GetRequiredService<EdgeMetrics>(),
                    limits(at),
                    at.GetRequiredService<MemoryBudget>(),
                    at.GetRequiredService<TimeProvider>()
                )
        );

    /// <summary>Assigns the request ids. Call it once per process, before any other middleware.</summary>
    public static void UseRequestScope(this IApplicationBuilder app) => app.UseMiddleware<RequestScopeMiddleware>();
}
