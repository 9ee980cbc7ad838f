using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Storage;

namespace Scheduler.Grains.Telemetry;

/// <summary>
/// What the whole fleet does, read from the store: every silo shows the same, so take the maximum and not the sum. Read only while
/// somebody listens, at most every <see cref="Every"/>, and never for more than a twentieth of the time.
/// </summary>
internal sealed partial class FleetGauges : BackgroundService
{
    /// <summary>How many times as long as a reading took the next one waits at least.</summary>
    private const int Rest = 19;

    /// <summary>How often the store is read at most.</summary>
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    private readonly IFleetTotals _store;
    private readonly TimeProvider _clock;
    private readonly ILogger<FleetGauges> _logger;
    private readonly ObservableGauge<long> _instances;
    private volatile Reading? _latest;

    /// <summary>Registers the gauges.</summary>
    public FleetGauges(IMeterFactory meters, IFleetTotals store, TimeProvider clock, ILogger<FleetGauges> logger)
    {
        (_store, _clock, _logger) = (store, clock, logger);
        var meter = meters.Create(SchedulerMetrics.MeterName);
        _instances = meter.CreateObservableGauge("scheduler.instances", Instances, "{instance}", "Instances by state");
        Gauge("scheduler.burn", "{micro_eur}", "Price of an hour of all that runs", seen => seen.BurnPerHour.Value);
        Gauge("scheduler.held", "{micro_eur}", "Money held for launches under way", seen => seen.Held.Value);
        Gauge("scheduler.debtors", "{instance}", "Instances whose release or bill is not confirmed", s => s.Debtors);
        Gauge("scheduler.agenda.due", "{wake_up}", "Wake-ups whose time has come", seen => seen.AgendaDue);
        Seconds("scheduler.debt.age", "How long nothing has come of the longest debt", (s, at) => at - s.OldestDebt);
        Seconds("scheduler.agenda.lag", "How late the longest overdue wake-up is", (seen, at) => at - seen.OldestDue);
        _ = meter.CreateObservableGauge(
            "scheduler.clock.skew",
            () =>
                _latest is { Skew: { } skew }
                    ? [new Measurement<double>(skew.TotalSeconds)]
                    : Array.Empty<Measurement<double>>(),
            "s",
            "This silo's clock less the database's"
        );

        void Gauge(string name, string unit, string what, Func<FleetTotals, long> value) =>
            _ = meter.CreateObservableGauge(
                name,
                () =>
                    _latest is { } read
                        ? [new Measurement<long>(value(read.Totals))]
                        : Array.Empty<Measurement<long>>(),
                unit,
                what
            );

        void Seconds(string name, string what, Func<FleetTotals, DateTimeOffset, TimeSpan?> value) =>
            _ = meter.CreateObservableGauge(
                name,
                () =>
                    _latest is { } read
                        ? [new Measurement<double>((value(read.Totals, read.At) ?? TimeSpan.Zero).TotalSeconds)]
                        : Array.Empty<Measurement<double>>(),
                "s",
                what
            );
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, _clock);
        do
        {
            if (!_instances.Enabled)
            {
                continue;
            }

            var began = _clock.GetTimestamp();
            try
            {
                await ReadAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                // What is not known is not shown: an old sum would look like a calm fleet.
                _latest = null;
                LogReadFailed(exception);
            }

            timer.Period = Longer(Every, _clock.GetElapsedTime(began) * Rest);
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        var at = _clock.Now();
        var totals = await _store.ReadAsync(null, at, cancellationToken);
        var asked = _clock.GetTimestamp();
        var theirs = await _store.TimeAsync(cancellationToken);
        // The database looked at its clock between the question and the answer: half the way is taken off.
        var skew = _clock.GetUtcNow() - (_clock.GetElapsedTime(asked) / 2) - theirs;
        _latest = new Reading(totals, at, skew);
    }

    private IEnumerable<Measurement<long>> Instances() =>
        _latest is { } read
            ? Enum.GetValues<InstanceState>()
                .Where(state => state is not (InstanceState.Checking or InstanceState.Deleted))
                .Select(state => new Measurement<long>(
                    read.Totals.Instances.GetValueOrDefault(state),
                    new KeyValuePair<string, object?>("state", NameOf(state))
                ))
            : [];

    private static string NameOf(InstanceState state) =>
        state switch
        {
            InstanceState.Stopped => "stopped",
            InstanceState.Provisioning => "provisioning",
            InstanceState.Starting => "starting",
            InstanceState.Running => "running",
            InstanceState.Stopping => "stopping",
            InstanceState.Failed => "failed",
            InstanceState.Checking or InstanceState.Deleted or _ => throw new System.Diagnostics.UnreachableException(),
        };

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;

    [LoggerMessage(
        1501,
        LogLevel.Warning,
        "The sums of the fleet could not be read; its gauges are missing until they can"
    )]
    private partial void LogReadFailed(Exception exception);

    private sealed record Reading(FleetTotals Totals, DateTimeOffset At, TimeSpan? Skew);
}
