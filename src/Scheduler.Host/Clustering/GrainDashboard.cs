using Orleans.Dashboard;
using Scheduler.Dashboard;
using OrleansOptions = Orleans.Dashboard.DashboardOptions;

namespace Scheduler.Host.Clustering;

/// <summary>
/// Orleans' own dashboard: silos, activations, calls by method, and the state of a grain. Only operators have access.
/// </summary>
internal static class GrainDashboard
{
    /// <summary>The part in a silo: it counts calls while the dashboard is open.</summary>
    public static void AddGrainDashboard(this ISiloBuilder silo) => silo.AddDashboard(Configure);

    /// <summary>The part in a process without a silo: it queries the silos.</summary>
    public static void AddGrainDashboard(this IClientBuilder client) => client.AddDashboard(Configure);

    /// <summary>
    /// Maps the pages. Orleans compresses 17 MB of assets as it maps them, a seventh of the CPU time of a start.
    /// So the first request does it.
    /// </summary>
    public static void MapGrainDashboard(this WebApplication app)
    {
        var pages = new Lazy<RequestDelegate>(() => Pages(app.Services));
        app.MapGet(
                $"{DashboardSetup.OrleansPath}/{{**path}}",
                http =>
                {
                    // Routing skips a request that has an endpoint.
                    http.SetEndpoint(null);
                    return pages.Value(http);
                }
            )
            .ForOperators();
    }

    private static RequestDelegate Pages(IServiceProvider services)
    {
        var pages = new ApplicationBuilder(services);
        pages.UseRouting();
        pages.UseEndpoints(endpoints =>
        {
            endpoints.MapOrleansDashboard(DashboardSetup.OrleansPath).ForOperators();
            endpoints.MapFallback("{*path}", DashboardSetup.NothingHere).ForOperators();
        });
        return pages.Build();
    }

    // The log stream would stay open for an hour, and the log itself shows the same lines better.
    private static void Configure(OrleansOptions options) => options.HideTrace = true;
}
