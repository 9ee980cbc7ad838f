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
/// The balancers this door routes by, each with a round that probes its destinations and tells its grain what was seen. A balancer nobody
/// sends to for a while is left alone, and its round ends: probes cost as much as there is traffic to protect.
/// </summary>
internal sealed partial class BalancerDesks(
    IGrainFactory grains,
    IServingTable names,
    DestinationProber prober,
    BalancerMetrics metrics,
    TimeProvider clock,
    ILogger<BalancerDesks> logger
) : IHostedService, IDisposable
{
    /// <summary>How long a balancer is looked after when no more requests come.</summary>
    internal static readonly TimeSpan LookedAfter = TimeSpan.FromMinutes(2);

    /// <summary>How often it is told what this door sees.</summary>
    internal static readonly TimeSpan TellEvery = TimeSpan.FromSeconds(5);

    /// <summary>How often a round looks what is due: a tenth of the shortest interval of probes would be too often for nothing.</summary>
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(500);

    /// <summary>Probes are this share of their interval earlier or later, so that doors and destinations do not march in step.</summary>
    private const double Jitter = 0.1;

    private readonly ConcurrentDictionary<string, Desk> _desks = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();

    // A name of its own: callers of many accounts read it, and where the process runs is not their business.
    private readonly string _door = "door-" + RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz234567", 8);

    /// <summary>The desk of a balancer, in use from now on.</summary>
    public BalancerDesk Of(ServedBalancer balancer)
    {
        while (true)
        {
            var desk = _desks.GetOrAdd(
                balancer.Id,
                static (_, state) => new Desk(new BalancerDesk(state.balancer, state.Self.Metrics, state.Self.Clock)),
                (balancer, Self: this)
            );
            desk.Book.Use(balancer);
            if (desk.TryStart())
            {
                desk.Round = GoRoundAsync(balancer.Id, desk);
            }

            if (!desk.IsClosed)
            {
                return desk.Book;
            }

            // It was being cleared away in this very moment.
            _desks.TryRemove(new KeyValuePair<string, Desk>(balancer.Id, desk));
        }
    }

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_desks.Values.Select(desk => desk.Round)).WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose() => _stop.Dispose();

    private BalancerMetrics Metrics => metrics;

    private TimeProvider Clock => clock;

    private async Task GoRoundAsync(string id, Desk desk)
    {
        await Task.Yield();
        var due = new Dictionary<string, long>(StringComparer.Ordinal);
        var told = clock.GetTimestamp();
        try
        {
            while (desk.Book.Idle < LookedAfter)
            {
                var balancer = desk.Book.Balancer;
                var known = await Destinations.FindAsync(names, balancer, _stop.Token);
                desk.Book.Follow(known);
                StartProbes(desk.Book, balancer.Spec.Health, known, due);
                if (clock.GetElapsedTime(told) >= TellEvery)
                {
                    told = clock.GetTimestamp();
                    await TellAsync(desk.Book, known);
                }

                await Task.Delay(Step, clock, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The door closes.
        }
        finally
        {
            desk.IsClosed = true;
            _desks.TryRemove(new KeyValuePair<string, Desk>(id, desk));
        }
    }

    private void StartProbes(
        BalancerDesk book,
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

            // Its next one is due an interval after this one began or ended, whichever is later: one at a time.
            due[instance.ServingName] = now + TicksOf(Jittered(settings.ProbeInterval));
            ProbeAsync(book, settings, instance).Ignore();
        }
    }

    private async Task ProbeAsync(BalancerDesk book, HealthSettings settings, ServedInstance instance)
    {
        var timeout = settings.ProbeTimeout < settings.ProbeInterval ? settings.ProbeTimeout : settings.ProbeInterval;
        book.NoteProbe(instance, await prober.ProbeAsync(instance, timeout, _stop.Token));
    }

    private async Task TellAsync(BalancerDesk book, Destinations known)
    {
        try
        {
            await grains.Balancer(new BalancerId(book.Balancer.Id)).ObserveAsync(book.Report(_door, known));
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            // The next report says what is so then; only the failures of this one are missing in the balancer's detail.
            LogNotTold(e, book.Balancer.Id);
        }
    }

    private long TicksOf(TimeSpan time) => (long)(time.TotalSeconds * clock.TimestampFrequency);

    private static TimeSpan Jittered(TimeSpan interval)
    {
        const int steps = 2000;
        var share = (RandomNumberGenerator.GetInt32(steps + 1) / (steps / 2.0)) - 1;
        return interval * (1 + (Jitter * share));
    }

    [LoggerMessage(1, LogLevel.Debug, "What this door sees of {Balancer} could not be told")]
    private partial void LogNotTold(Exception exception, string balancer);

    /// <summary>A balancer's book and its round.</summary>
    private sealed class Desk(BalancerDesk book)
    {
        private int _isStarted;
        private volatile bool _isClosed;

        public BalancerDesk Book { get; } = book;

        public Task Round { get; set; } = Task.CompletedTask;

        public bool IsClosed
        {
            get => _isClosed;
            set => _isClosed = value;
        }

        public bool TryStart() => Interlocked.Exchange(ref _isStarted, 1) == 0;
    }
}
