using System.Diagnostics.Metrics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Scheduler.Edge.Limits;
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
    private readonly Counter<long> _requestsLost;
    private readonly Counter<long> _connectionsRefused;

    public EdgeMetrics(IMeterFactory meters, MemoryBudget memory)
    {
        var meter = meters.Create(SchedulerMetrics.MeterName);
        _keysRefused = meter.CreateCounter<long>(
            "scheduler.keys.refused",
            "{request}",
            "Requests refused for their key, by code"
        );
        _requestsLost = meter.CreateCounter<long>(
            "scheduler.requests.lost",
            "{request}",
            "Answered requests that could not be stored, for GET /v1/requests/{request}"
        );
        _connectionsRefused = meter.CreateCounter<long>(
            "scheduler.connections.refused",
            "{connection}",
            "Connections closed at once, by the limit that was reached: process or address"
        );
        _ = meter.CreateObservableGauge(
            "scheduler.requests.memory",
            () => memory.Held,
            "By",
            "Memory that requests hold: bodies, what they became, held answers"
        );
        _ = meter.CreateObservableGauge(
            "scheduler.requests.memory.limit",
            () => memory.Bound,
            "By",
            "Memory that requests may hold"
        );
    }

    public void ConnectionRefused(string limit) =>
        _connectionsRefused.Add(1, new KeyValuePair<string, object?>("limit", limit));

    public void KeyRefused(string code) => _keysRefused.Add(1, new KeyValuePair<string, object?>("code", code));

    public void RequestsLost(int count)
    {
        if (count > 0)
        {
            _requestsLost.Add(count);
        }
    }

    /// <summary>
    /// Adds the reason of a refusal to the request's notes and metrics. Without a listener it costs two lookups.
    /// </summary>
    public static void RecordReason(HttpContext http, ApiError error)
    {
        http.Scope().Notes.Code = error.Reason;
        http.Features.Get<IHttpMetricsTagsFeature>()?.Tags.Add(new(ReasonTag, error.Reason));
    }
}
