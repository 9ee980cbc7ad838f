using System.Diagnostics.Metrics;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Inference;

/// <summary>
/// Metrics of the gateway. No label names an account, an instance or a serving name, because their number is
/// unbounded.
/// </summary>
internal sealed class InferenceMetrics
{
    private readonly Counter<long> _requests;
    private readonly Counter<long> _tokens;
    private readonly Counter<long> _retries;
    private readonly Counter<long> _checks;
    private readonly UpDownCounter<long> _open;
    private readonly Histogram<double> _firstByte;

    public InferenceMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(SchedulerMetrics.MeterName);
        _requests = meter.CreateCounter<long>(
            "scheduler.inference.requests",
            "{request}",
            "Inference requests ended, by kind and by code (OK where there is none)"
        );
        _tokens = meter.CreateCounter<long>(
            "scheduler.inference.tokens",
            "{token}",
            "Tokens as runtimes counted them, by direction"
        );
        _retries = meter.CreateCounter<long>(
            "scheduler.inference.failovers",
            "{request}",
            "Requests sent on to another destination before the first byte"
        );
        _checks = meter.CreateCounter<long>(
            "scheduler.inference.context.checks",
            "{request}",
            "How the context check decided: by bytes, counted by the runtime's tokenizer, or not counted"
        );
        _open = meter.CreateUpDownCounter<long>(
            "scheduler.inference.open",
            "{request}",
            "Inference requests in progress at runtimes"
        );
        _firstByte = meter.CreateHistogram<double>(
            "scheduler.inference.first_byte",
            "s",
            "Time from a request's arrival to the first byte of its runtime's answer",
            advice: new InstrumentAdvice<double>
            {
                HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
            }
        );
    }

    public void Ended(string kind, string code) => _requests.Add(1, new("kind", kind), new("code", code));

    public void Tokens(long prompt, long completion)
    {
        if (prompt > 0)
        {
            _tokens.Add(prompt, new KeyValuePair<string, object?>("direction", "in"));
        }

        if (completion > 0)
        {
            _tokens.Add(completion, new KeyValuePair<string, object?>("direction", "out"));
        }
    }

    public void FailedOver() => _retries.Add(1);

    public void ContextChecked(string how) => _checks.Add(1, new KeyValuePair<string, object?>("how", how));

    public void Opened() => _open.Add(1);

    public void Closed() => _open.Add(-1);

    public void FirstByte(TimeSpan after) => _firstByte.Record(after.TotalSeconds);
}
