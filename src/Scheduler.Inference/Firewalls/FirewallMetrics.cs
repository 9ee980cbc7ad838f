using System.Diagnostics.Metrics;
using Scheduler.Domain.Firewalls;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Inference.Firewalls;

/// <summary>Metrics of firewalls and judges. No account, firewall or rule is a label (INV-13).</summary>
internal sealed class FirewallMetrics
{
    private readonly Counter<long> _evaluations;
    private readonly Histogram<double> _judges;
    private readonly Counter<long> _hedges;
    private readonly Counter<long> _dropped;

    public FirewallMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(SchedulerMetrics.MeterName);
        _evaluations = meter.CreateCounter<long>(
            "scheduler.firewall.evaluations",
            "{evaluation}",
            "Firewall decisions, by mode and decision"
        );
        _judges = meter.CreateHistogram(
            "scheduler.judge.duration",
            "s",
            "Time from the request to the judge to its verdict or the timeout",
            advice: new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30],
            }
        );
        _hedges = meter.CreateCounter<long>("scheduler.judge.hedges", "{call}", "Second calls to slow judges");
        _dropped = meter.CreateCounter<long>(
            "scheduler.firewall.evaluations.dropped",
            "{evaluation}",
            "Evaluations decided but not recorded"
        );
    }

    public void Decided(FirewallMode mode, FirewallDecision decision) =>
        _evaluations.Add(
            1,
            new KeyValuePair<string, object?>("mode", Word(mode)),
            new KeyValuePair<string, object?>("decision", Word(decision))
        );

    public void Judged(TimeSpan took, FirewallDecision decision) =>
        _judges.Record(took.TotalSeconds, new KeyValuePair<string, object?>("decision", Word(decision)));

    public void Hedged() => _hedges.Add(1);

    public void Dropped(int count) => _dropped.Add(count);

    private static string Word(FirewallMode mode) =>
        mode switch
        {
            FirewallMode.Block => "block",
            FirewallMode.Audit => "audit",
            FirewallMode.Allow => "allow",
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private static string Word(FirewallDecision decision) =>
        decision switch
        {
            FirewallDecision.Pass => "pass",
            FirewallDecision.Match => "match",
            FirewallDecision.Unjudged => "unjudged",
            _ => throw new System.Diagnostics.UnreachableException(),
        };
}
