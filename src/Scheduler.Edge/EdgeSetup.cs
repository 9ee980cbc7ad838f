using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Scheduler.Edge.Limits;
using Scheduler.Grains.Keys;

namespace Scheduler.Edge;

/// <summary>Wires what all doors share.</summary>
internal static class EdgeSetup
{
    /// <summary>Adds it. Harmless when repeated.</summary>
    public static IServiceCollection AddEdge(this IServiceCollection services)
    {
        services.AddKeys();
        services.TryAddSingleton<EdgeMetrics>();
        return services;
    }

    /// <summary>Adds the keeper of one door.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="door">The door's name, the key of its <see cref="Doorkeeper"/>.</param>
    /// <param name="limits">What it counts by.</param>
    public static void AddDoorkeeper(
        this IServiceCollection services,
        string door,
        Func<IServiceProvider, LimitSettings> limits
    ) =>
        services.AddKeyedSingleton(
            door,
            (at, _) =>
                new Doorkeeper(
                    at.GetRequiredService<KeyAuthority>(),
                    at.GetRequiredService<EdgeMetrics>(),
                    limits(at),
                    at.GetRequiredService<TimeProvider>()
                )
        );

    /// <summary>Gives every request its id. Call it before any other middleware is used, once a process.</summary>
    public static void UseRequestScope(this IApplicationBuilder app) => app.UseMiddleware<RequestScopeMiddleware>();
}
