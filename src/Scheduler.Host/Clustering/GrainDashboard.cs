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

    public static void MapGrainDashboard(this WebApplication app) =>
        app.MapOrleansDashboard(DashboardSetup.OrleansPath).ForOperators();

    // The log stream would stay open for an hour, and the log itself shows the same lines better.
    private static void Configure(OrleansOptions options) => options.HideTrace = true;
}
