namespace Scheduler.Benchmarks.Profiling;

/// <summary>
/// The layer that a stack belongs to: the one of the innermost frame that has one. Frames of the base library belong to
/// whoever called them.
/// </summary>
internal static class Layers
{
    public const string Other = "base library and rest";

    /// <summary>Beginnings of full method names, and their layer. The first match counts.</summary>
    private static readonly (string Prefix, string Layer)[] Known =
    [
        ("SQLitePCL", "SQL"),
        ("Microsoft.Data.Sqlite", "SQL"),
        ("Npgsql", "SQL"),
        ("Scheduler.Storage.StateSerializer", "state as JSON"),
        ("System.Text.Json", "state as JSON"),
        ("Scheduler.Storage", "SQL"),
        ("Orleans.Storage", "SQL"),
        ("Serilog", "logging"),
        ("Microsoft.Extensions.Logging", "logging"),
        ("System.Diagnostics.Metrics", "metrics"),
        ("OpenTelemetry", "metrics"),
        ("Orleans.Serialization", "serialization"),
        ("OrleansCodeGen", "serialization"),
        ("Orleans", "Orleans messaging"),
        ("Grpc", "HTTP and gRPC"),
        ("Google.Protobuf", "HTTP and gRPC"),
        ("Microsoft.AspNetCore", "HTTP and gRPC"),
        ("System.Net", "HTTP and gRPC"),
        ("Yarp", "HTTP and gRPC"),
        ("Scheduler.Providers.Simulated", "simulated provider"),
        ("Scheduler.Providers", "other providers"),
        ("Scheduler.Grains.Instances.InstanceWork", "work of an instance"),
        ("Scheduler.Grains", "grains"),
        ("Scheduler.Domain", "domain"),
        ("Scheduler.ModelFit", "domain"),
        ("Scheduler.Api", "API"),
        ("Scheduler.Edge", "API"),
        ("Scheduler.Inference", "gateway"),
        ("Scheduler.Dashboard", "dashboard"),
        ("Scheduler.Host", "host"),
        ("Microsoft.Extensions.DependencyInjection", "container"),
        ("Microsoft.Extensions.Configuration", "settings"),
        ("Microsoft.Extensions.Options", "settings"),
    ];

    /// <param name="frames">Full method names, the innermost first.</param>
    public static string Of(IEnumerable<string> frames)
    {
        foreach (var frame in frames)
        {
            foreach (var (prefix, layer) in Known)
            {
                if (frame.StartsWith(prefix, StringComparison.Ordinal))
                {
                    return layer;
                }
            }
        }

        return Other;
    }
}
