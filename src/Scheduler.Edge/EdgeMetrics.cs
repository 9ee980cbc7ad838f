using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Edge;

/// <summary>
/// Counters in addition to the ASP.NET meters. It also adds the reason of a refusal as a label to ASP.NET's request
/// durations, because over gRPC every response has the same HTTP status.
/// </summary>
internal sealed class EdgeMetrics
{
    private const string ReasonTag = "scheduler.reason";

    private readonly Counter<long> _keysRefused;

    public EdgeMetrics(IMeterFactory meters) =>
        _keysRefused = meters
            .Create(SchedulerMetrics.MeterName)
            .CreateCounter<long>("scheduler.keys.refused", "{request}", "Requests refused for their key, by code");

    public void KeyRefused(string code) => _keysRefused.Add(1, new KeyValuePair<string, object?>("code", code));

    /// <summary>
    /// Adds the reason of a refusal to the request's metrics. Without a listener it costs one lookup.
    /// </summary>
    public static void RecordReason(HttpContext http, ApiError error) =>
        http.Features.Get<IHttpMetricsTagsFeature>()?.Tags.Add(new(ReasonTag, error.Reason));
}
