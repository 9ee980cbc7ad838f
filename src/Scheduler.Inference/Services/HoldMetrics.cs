using System.Diagnostics.Metrics;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Inference.Services;

/// <summary>Metrics of held requests. No label names a service; their number is unbounded.</summary>
internal sealed class HoldMetrics
{
    private readonly UpDownCounter<long> _held;
    private readonly Histogram<double> _waits;

    public HoldMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(SchedulerMetrics.MeterName);
        _held = meter.CreateUpDownCounter<long>(
            "scheduler.inference.held",
            "{request}",
            "Requests that wait for a replica of their service"
        );
        _waits = meter.CreateHistogram<double>(
            "scheduler.inference.hold.duration",
            "s",
            "Time for which requests waited for a replica of their service, by how the wait ended",
            advice: new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800],
            }
        );
    }

    public void Began() => _held.Add(1);

    public void Ended(string outcome, TimeSpan after)
    {
        _held.Add(-1);
        _waits.Record(after.TotalSeconds, new KeyValuePair<string, object?>("outcome", outcome));
    }
}
