using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Ids;
using Scheduler.Grains;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Balancers;

/// <summary>
/// The balancers this process routes by. Each has a loop that probes its destinations and reports their health to the
/// balancer grain. The loop ends when the balancer gets no requests for a while, so probing costs nothing without
/// traffic.
/// </summary>
internal sealed partial class BalancerStates(
    IGrainFactory grains,
    IServingTable names,
    DestinationProber prober,
    BalancerMetrics metrics,
    TimeProvider clock,
    ILogger<BalancerStates> logger
) : IHostedService, IDisposable
{
    /// <summary>How long probing continues after the last request.</summary>
    internal static readonly TimeSpan ProbedFor = TimeSpan.FromMinutes(2);

    /// <summary>Interval of reports to the balancer grain.</summary>
    internal static readonly TimeSpan ReportEvery = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Interval at which the loop checks for due probes. A tenth of the shortest probe interval would check too
    /// often.
    /// </summary>
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// Share of the interval by which probes come earlier or later, so that processes and destinations do not probe
    /// in step.
    /// </summary>
    private const double Jitter = 0.1;

    private readonly ConcurrentDictionary<string, Entry> _entries = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();

    // A random name: callers of many accounts read it, and the host name must not be revealed to them.
    private readonly string _gateway =
        "gateway-" + RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz234567", 8);

    /// <summary>The state of a balancer; starts its loop if necessary.</summary>
    public BalancerState Of(ServedBalancer balancer)
    {
        while (true)
        {
            var entry = _entries.GetOrAdd(
                balancer.Id,
                static (_, state) => new Entry(new BalancerState(state.balancer, state.Self.Metrics, state.Self.Clock)),
                (balancer, Self: this)
            );
            entry.State.Use(balancer);
            if (entry.TryStart())
            {
                entry.Loop = RunAsync(balancer.Id, entry);
            }

            if (!entry.IsClosed)
            {
                return entry.State;
            }

            // The loop ended between the lookup and the start; try again with a new entry.
            _entries.TryRemove(new KeyValuePair<string, Entry>(balancer.Id, entry));
        }
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_entries.Values.Select(entry => entry.Loop)).WaitAsync(cancellationToken);
    }

    public void Dispose() => _stop.Dispose();

    private BalancerMetrics Metrics => metrics;

    private TimeProvider Clock => clock;

    private async Task RunAsync(string id, Entry entry)
    {
        await Task.Yield();
        var due = new Dictionary<string, long>(StringComparer.Ordinal);
        var reportedAt = clock.GetTimestamp();
        try
        {
            // A request may be answered for longer than that, and its slot must not be forgotten.
            while (entry.State.Idle < ProbedFor || entry.State.IsBusy)
            {
                var balancer = entry.State.Balancer;
                var known = await Destinations.FindAsync(names, balancer, _stop.Token);
                entry.State.Follow(known);
                StartProbes(entry.State, balancer.Spec.Health, known, due);
                if (balancer.Service is null && clock.GetElapsedTime(reportedAt) >= ReportEvery)
                {
                    reportedAt = clock.GetTimestamp();
                    await ReportAsync(entry.State, known);
                }

                await Task.Delay(Step, clock, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The process stops.
        }
        finally
        {
            entry.IsClosed = true;
            _entries.TryRemove(new KeyValuePair<string, Entry>(id, entry));
        }
    }

    private void StartProbes(
        BalancerState state,
        HealthSettings settings,
        Destinations known,
        Dictionary<string, long> due
    )
    {
        if (settings.ProbeInterval <= TimeSpan.Zero)
        {
            return;
        }

        var now = clock.GetTimestamp();
        foreach (var instance in known.Instances.Where(instance => instance.IsServing))
        {
            if (due.TryGetValue(instance.ServingName, out var at) && now < at)
            {
                continue;
            }

            // The next probe is due an interval after this one began or ended, whichever is later: one at a time.
            due[instance.ServingName] = now + TicksOf(Jittered(settings.ProbeInterval));
            ProbeAsync(state, settings, instance).Ignore();
        }
    }

    private async Task ProbeAsync(BalancerState state, HealthSettings settings, ServedInstance instance)
    {
        var timeout = settings.ProbeTimeout < settings.ProbeInterval ? settings.ProbeTimeout : settings.ProbeInterval;
        state.RecordProbe(instance, await prober.ProbeAsync(instance, timeout, _stop.Token));
    }

    private async Task ReportAsync(BalancerState state, Destinations known)
    {
        try
        {
            await grains.Balancer(new BalancerId(state.Balancer.Id)).ObserveAsync(state.Report(_gateway, known));
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            // The next report carries the health then; only this report's failures are missing in the balancer's
            // detail.
            LogNotReported(e, state.Balancer.Id);
        }
    }

    private long TicksOf(TimeSpan time) => (long)(time.TotalSeconds * clock.TimestampFrequency);

    private static TimeSpan Jittered(TimeSpan interval)
    {
        const int steps = 2000;
        var share = (RandomNumberGenerator.GetInt32(steps + 1) / (steps / 2.0)) - 1;
        return interval * (1 + (Jitter * share));
    }

    [LoggerMessage(3301, LogLevel.Debug, "Could not report health of balancer {Balancer}")]
    private partial void LogNotReported(Exception exception, string balancer);

    private sealed class Entry(BalancerState state)
    {
        private int _isStarted;
        private volatile bool _isClosed;

        public BalancerState State { get; } = state;

        public Task Loop { get; set; } = Task.CompletedTask;

        public bool IsClosed
        {
            get => _isClosed;
            set => _isClosed = value;
        }

        public bool TryStart() => Interlocked.Exchange(ref _isStarted, 1) == 0;
    }
}
