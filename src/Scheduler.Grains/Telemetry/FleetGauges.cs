using System.Diagnostics.Metrics;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Storage;
using Scheduler.Grains.Health;

namespace Scheduler.Grains.Telemetry;

/// <summary>
/// Metrics of the whole fleet, read from the store. Every silo reports the same values, so aggregate with max, not
/// sum. Read only while a listener is attached, at most every <see cref="Every"/>, and for at most a twentieth of the
/// time.
/// </summary>
internal sealed partial class FleetGauges : BackgroundService
{
    /// <summary>Minimum pause after a reading, as a multiple of its duration.</summary>
    private const int Rest = 19;

    /// <summary>Shortest interval between readings.</summary>
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    private readonly IFleetTotals _store;
    private readonly TimeProvider _clock;
    private readonly ILogger<FleetGauges> _logger;
    private readonly ObservableGauge<long> _instances;
    private volatile Reading? _latest;

    public FleetGauges(
        IMeterFactory meters,
        IFleetTotals store,
        ClockKeeper keeper,
        TimeProvider clock,
        ILogger<FleetGauges> logger
    )
    {
        (_store, _clock, _logger) = (store, clock, logger);
        var meter = meters.Create(SchedulerMetrics.MeterName);
        _instances = meter.CreateObservableGauge("scheduler.instances", Instances, "{instance}", "Instances by state");
        Gauge("scheduler.burn", "{micro_eur}", "Price per hour of running instances", seen => seen.BurnPerHour.Value);
        Gauge("scheduler.held", "{micro_eur}", "Money on hold for launches and runs", seen => seen.Held.Value);
        Gauge("scheduler.debtors", "{instance}", "Instances with an unconfirmed release or bill", s => s.Debtors);
        Gauge("scheduler.agenda.due", "{wake_up}", "Wake-ups that are due", seen => seen.AgendaDue);
        Seconds(
            "scheduler.debt.age",
            "Age of the oldest unconfirmed release or settlement",
            (seen, at) => at - seen.OldestDebt
        );
        Seconds("scheduler.agenda.lag", "Delay of the longest overdue wake-up", (seen, at) => at - seen.OldestDue);
        _ = meter.CreateObservableGauge(
            "scheduler.clock.skew",
            () =>
                keeper.Latest is { HasOwnClock: true } seen
                    ? [new Measurement<double>(seen.Ahead.TotalSeconds)]
                    : Array.Empty<Measurement<double>>(),
            "s",
            "The scheduler's time in this silo minus the database's clock"
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
                // Unknown values are not reported: an old sum would look like a fleet without changes.
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
        _latest = new Reading(totals, at);
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
            InstanceState.Waiting => "waiting",
            InstanceState.Checking or InstanceState.Deleted or _ => throw new System.Diagnostics.UnreachableException(),
        };

    private static TimeSpan Longer(TimeSpan a, TimeSpan b) => a > b ? a : b;

    [LoggerMessage(
        1811,
        LogLevel.Warning,
        "Cannot read the fleet totals; their gauges are missing until the next successful read"
    )]
    private partial void LogReadFailed(Exception exception);

    private sealed record Reading(FleetTotals Totals, DateTimeOffset At);
}
