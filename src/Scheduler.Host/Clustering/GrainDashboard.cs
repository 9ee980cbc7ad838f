using Orleans.Dashboard;
using Scheduler.Dashboard;
using OrleansOptions = Orleans.Dashboard.DashboardOptions;

namespace Scheduler.Host.Clustering;

/// <summary>Orleans' own dashboard: silos, activations, calls by method, and the state of one grain; for operators alone.</summary>
internal static class GrainDashboard
{
    /// <summary>A silo's part: it counts calls while somebody looks.</summary>
    public static void AddGrainDashboard(this ISiloBuilder silo) => silo.AddDashboard(Configure);

    /// <summary>The part of doors without a silo: they ask the silos.</summary>
    public static void AddGrainDashboard(this IClientBuilder client) => client.AddDashboard(Configure);

    /// <summary>Maps its pages.</summary>
    public static void MapGrainDashboard(this WebApplication app) =>
        app.MapOrleansDashboard(DashboardSetup.OrleansPath).ForOperators();

    // A stream of log lines would stay open for an hour and show what the log's own readers see better.
    private static void Configure(OrleansOptions options) => options.HideTrace = true;
}
