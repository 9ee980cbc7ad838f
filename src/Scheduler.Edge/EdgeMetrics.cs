using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Edge;

/// <summary>
/// What the door counts besides ASP.NET's own meters, whose request durations get the reason of a refusal as a label: over gRPC every
/// answer has the same HTTP status.
/// </summary>
internal sealed class EdgeMetrics
{
    private const string ReasonTag = "scheduler.reason";

    private readonly Counter<long> _keysRefused;

    public EdgeMetrics(IMeterFactory meters) =>
        _keysRefused = meters
            .Create(SchedulerMetrics.MeterName)
            .CreateCounter<long>("scheduler.keys.refused", "{request}", "Requests turned away for their key, by code");

    public void KeyRefused(string code) => _keysRefused.Add(1, new KeyValuePair<string, object?>("code", code));

    /// <summary>Puts the reason of a refusal on the request's metrics; where nobody listens it costs a look.</summary>
    public static void Note(HttpContext http, DoorError error) =>
        http.Features.Get<IHttpMetricsTagsFeature>()?.Tags.Add(new(ReasonTag, error.Reason));
}
