using System.Diagnostics;
using System.Diagnostics.Metrics;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Schedules;

namespace Scheduler.Grains.Telemetry;

/// <summary>
/// Metrics of the grains, one set per silo. Labels are providers, codes and outcomes, which configuration and code
/// bound. An account, an instance, a key or a request id is never a label (INV-13). <c>deploy/metrics.md</c> lists
/// all metrics.
/// </summary>
public sealed class SchedulerMetrics
{
    /// <summary>The product's only meter; storage, API and gateway add their instruments to it.</summary>
    public const string MeterName = "Scheduler";

    /// <summary>Label value when there is no provider or failure code.</summary>
    internal const string None = "none";

    internal const string Orphan = "orphan";
    internal const string Vanished = "vanished";
    internal const string PutOff = "put_off";

    private static readonly string[] Findings = [Orphan, Vanished, PutOff];

    private const string Provider = "provider";
    private const string Outcome = "outcome";
    private const string Code = "code";

    private readonly Counter<long> _launches;
    private readonly Histogram<double> _launchDuration;
    private readonly Histogram<double> _checkDuration;
    private readonly Counter<long> _runEnds;
    private readonly Counter<long> _reroutes;
    private readonly Histogram<double> _allocations;
    private readonly Histogram<double> _providerCalls;
    private readonly Counter<long> _holds;
    private readonly Counter<long> _held;
    private readonly UpDownCounter<long> _accountQueue;
    private readonly Histogram<long> _accountBatch;
    private readonly Counter<long> _sweeps;
    private readonly Counter<long> _findings;
    private readonly Counter<long> _scheduleRuns;

    /// <param name="meters">Each host has its own factory, so that tests see only their own measurements.</param>
    public SchedulerMetrics(IMeterFactory meters)
    {
        var meter = meters.Create(MeterName);
        _launches = meter.CreateCounter<long>("scheduler.launches", "{launch}", "Launches ended, by outcome");
        _launchDuration = Seconds(meter, "scheduler.launch.duration", "Time from start to running", Buckets.Launch);
        _checkDuration = Seconds(meter, "scheduler.launch.check.duration", "Placement and hold time", Buckets.Short);
        _runEnds = meter.CreateCounter<long>("scheduler.run.ends", "{run}", "Runs ended, by cause");
        _reroutes = meter.CreateCounter<long>("scheduler.reroutes", "{reroute}", "Launches sent to another route");
        _allocations = Seconds(
            meter,
            "scheduler.allocation.duration",
            "Time from the recorded intent to capacity, a refusal or the deadline",
            Buckets.Launch
        );
        _providerCalls = Seconds(meter, "scheduler.provider.call.duration", "Time of provider calls", Buckets.Few);
        _holds = meter.CreateCounter<long>("scheduler.holds", "{hold}", "Holds requested, by outcome");
        _held = meter.CreateCounter<long>("scheduler.holds.amount", "{micro_eur}", "Money reserved by holds");
        _accountQueue = meter.CreateUpDownCounter<long>(
            "scheduler.account.queue",
            "{command}",
            "Commands waiting for their account's next write"
        );
        _accountBatch = meter.CreateHistogram(
            "scheduler.account.batch",
            "{command}",
            "Commands and queries answered in one batch",
            advice: new InstrumentAdvice<long> { HistogramBucketBoundaries = [1, 2, 4, 8, 16, 32, 64, 128, 256] }
        );
        _sweeps = meter.CreateCounter<long>(
            "scheduler.sweeps",
            "{sweep}",
            "Comparisons of a provider's allocations with the records"
        );
        _findings = meter.CreateCounter<long>(
            "scheduler.sweep.findings",
            "{allocation}",
            "Differences between the provider's allocations and the records"
        );
        _scheduleRuns = meter.CreateCounter<long>(
            "scheduler.schedule.runs",
            "{run}",
            "Schedule runs ended, by outcome"
        );
    }

    internal void LaunchEnded(string outcome, FailureCode code, string provider) =>
        _launches.Add(1, new(Outcome, outcome), new(Code, NameOf(code)), new(Provider, provider));

    internal void LaunchTook(TimeSpan took, string provider) =>
        _launchDuration.Record(took.TotalSeconds, new KeyValuePair<string, object?>(Provider, provider));

    internal void Checked(TimeSpan took, bool passed) =>
        _checkDuration.Record(
            took.TotalSeconds,
            new KeyValuePair<string, object?>(Outcome, passed ? "passed" : "failed")
        );

    internal void RunEnded(FailureCode code, string provider) =>
        _runEnds.Add(1, new(Code, NameOf(code)), new(Provider, provider));

    internal void Rerouted(FailureCode code, string provider) =>
        _reroutes.Add(1, new(Code, NameOf(code)), new(Provider, provider));

    internal void AllocationEnded(ProviderId provider, string outcome, TimeSpan took) =>
        _allocations.Record(took.TotalSeconds, new(Provider, provider.Value), new(Outcome, outcome));

    internal void ProviderCalled(ProviderId provider, string operation, string outcome, TimeSpan took) =>
        _providerCalls.Record(
            took.TotalSeconds,
            new(Provider, provider.Value),
            new("operation", operation),
            new(Outcome, outcome)
        );

    internal void HoldAsked(bool taken, MicroEuro amount)
    {
        _holds.Add(1, new KeyValuePair<string, object?>(Outcome, taken ? "taken" : "refused"));
        if (taken)
        {
            _held.Add(amount.Value);
        }
    }

    internal void AccountQueued(int commands) => _accountQueue.Add(commands);

    internal void AccountAnswers(int commands)
    {
        _accountQueue.Add(-commands);
        _accountBatch.Record(commands);
    }

    internal void Swept(ProviderId provider, bool succeeded) =>
        _sweeps.Add(1, new(Provider, provider.Value), new(Outcome, succeeded ? "ok" : "error"));

    /// <summary>Starts counters of rare events at zero, so that the first event is an increase.</summary>
    internal void Expect(ProviderId provider)
    {
        foreach (var finding in Findings)
        {
            _findings.Add(0, new(Provider, provider.Value), new("finding", finding));
        }
    }

    internal void SweepFound(ProviderId provider, string finding) =>
        _findings.Add(1, new(Provider, provider.Value), new("finding", finding));

    internal void ScheduleRan(ScheduleRun run) =>
        _scheduleRuns.Add(
            1,
            new("action", run.Action == ScheduleAction.Start ? "start" : "stop"),
            new(Outcome, OutcomeOf(run.Outcome)),
            new(Code, NameOf(run.Failure?.Code ?? FailureCode.None))
        );

    private static string OutcomeOf(RunOutcome outcome) =>
        outcome switch
        {
            RunOutcome.Done => "done",
            RunOutcome.AlreadySo => "already_so",
            RunOutcome.Skipped => "skipped",
            RunOutcome.Refused => "refused",
            RunOutcome.Superseded => "superseded",
            _ => throw new UnreachableException(),
        };

    private static string NameOf(FailureCode code) => code == FailureCode.None ? None : code.WireName();

    private static Histogram<double> Seconds(Meter meter, string name, string what, double[] buckets) =>
        meter.CreateHistogram(
            name,
            "s",
            what,
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = buckets }
        );

    /// <summary>Upper bounds, seconds.</summary>
    private static class Buckets
    {
        /// <summary>For many series: one for each provider, call and outcome.</summary>
        public static readonly double[] Few = [0.1, 1, 10, 60];

        public static readonly double[] Short =
        [
            0.001,
            0.005,
            0.01,
            0.025,
            0.05,
            0.1,
            0.25,
            0.5,
            1,
            2.5,
            5,
            10,
            30,
            60,
        ];

        public static readonly double[] Launch = [0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1200];
    }
}
