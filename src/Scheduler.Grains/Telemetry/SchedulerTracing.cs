using System.Diagnostics;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Telemetry;

/// <summary>Trace spans of the grains. Without a listener no span is created.</summary>
public static class SchedulerTracing
{
    public const string SourceName = "Scheduler";

    /// <summary>Attribute with the request id, on every span that has one.</summary>
    public const string RequestIdTag = "scheduler.request_id";

    private static readonly ActivitySource Source = new(SourceName);

    internal static Activity? Check() => Source.StartActivity("launch.check");

    /// <summary>A call to a provider; null without a listener.</summary>
    internal static Activity? Provider(string operation, ProviderId provider)
    {
        if (!Source.HasListeners())
        {
            return null;
        }

        var span = Source.StartActivity($"provider.{operation}", ActivityKind.Client);
        return span?.SetTag("scheduler.provider", provider.Value);
    }
}
