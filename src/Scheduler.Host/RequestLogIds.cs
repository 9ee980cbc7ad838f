using Serilog.Core;
using Serilog.Events;

namespace Scheduler.Host;

/// <summary>
/// Adds the ids of a request to the log lines of the grains it calls, and of the work that they start. It reads them when a
/// line is written: a log scope at every grain call would cost each call, although few write a line.
/// </summary>
internal sealed class RequestLogIds : ILogEventEnricher
{
    /// <summary>A line that has an id of its own keeps it.</summary>
    public void Enrich(LogEvent logEvent, ILogEventPropertyFactory propertyFactory)
    {
        AddIfAbsent(logEvent, "RequestId", "x-request-id");
        AddIfAbsent(logEvent, "CorrelationId", "x-correlation-id");
    }

    private static void AddIfAbsent(LogEvent logEvent, string name, string key)
    {
        if (!logEvent.Properties.ContainsKey(name) && RequestContext.Get(key) is string id)
        {
            logEvent.AddPropertyIfAbsent(new LogEventProperty(name, new ScalarValue(id)));
        }
    }
}
