using System.Diagnostics.Metrics;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Inference.Balancers;

/// <summary>Metrics of balancers. No label names a balancer or destination; their number is unbounded.</summary>
internal sealed class BalancerMetrics
{
    private readonly Counter<long> _picks;
    private readonly Counter<long> _ejections;
    private readonly Counter<long> _routings;
    private readonly Histogram<double> _routingTime;

    public BalancerMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(SchedulerMetrics.MeterName);
        _picks = meter.CreateCounter<long>(
            "scheduler.balancer.picks",
            "{pick}",
            "Destination picks, by routing mode and result"
        );
        _ejections = meter.CreateCounter<long>(
            "scheduler.balancer.ejections",
            "{ejection}",
            "Destinations ejected in this process, by cause"
        );
        _routings = meter.CreateCounter<long>(
            "scheduler.balancer.router.answers",
            "{answer}",
            "Requests to router models, by answer"
        );
        _routingTime = meter.CreateHistogram<double>(
            "scheduler.balancer.router.duration",
            "s",
            "Response time of router models",
            advice: new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
            }
        );
    }

    public void Picked(string mode, string found) => _picks.Add(1, new("mode", mode), new("found", found));

    public void Ejected(string cause) => _ejections.Add(1, new KeyValuePair<string, object?>("cause", cause));

    public void Routed(string answer, TimeSpan took)
    {
        _routings.Add(1, new KeyValuePair<string, object?>("answer", answer));
        _routingTime.Record(took.TotalSeconds);
    }
}
