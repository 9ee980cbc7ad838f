using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Storage;

namespace Scheduler.Grains.Health;

/// <summary>
/// Stores the scheduler's time every few seconds, so that the next start continues it, and compares it with the wall clocks.
/// </summary>
internal sealed partial class ClockKeeper(
    IStoredClock stored,
    TimeProvider clock,
    IOptions<SchedulerOptions> options,
    ILogger<ClockKeeper> logger
) : BackgroundService
{
    /// <summary>A step that happens while no process runs may go unnoticed if it came within this time before the end of the last one.</summary>
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(5);

    private volatile ClockReading? _latest;

    /// <summary>The latest comparison; null before the first.</summary>
    public ClockReading? Latest => _latest;

    /// <summary>Whether the clocks agree. A file's only clock is this machine's, so only a database's can disagree.</summary>
    public HealthLine Line()
    {
        if (_latest is not { } seen)
        {
            return new HealthLine("clock", true, "not compared yet");
        }

        var bound = options.Value.MostClockSkew;
        var (its, isOff) = (
            seen.HasOwnClock ? "the database's clock" : "this host's clock",
            seen.Ahead.Duration() > bound
        );
        return seen.HasOwnClock && seen.HostAhead.Duration() > bound
                ? new HealthLine(
                    "clock",
                    false,
                    $"this host's clock is {Words(seen.HostAhead)} {its}: correct the wrong one"
                )
            : isOff
                ? new HealthLine(
                    "clock",
                    !seen.HasOwnClock,
                    $"the scheduler's time is {Words(seen.Ahead)} {its}, which was set; a start while nothing runs follows it"
                )
            : new HealthLine("clock", true, $"the scheduler's time agrees with {its}");
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
        do
        {
            try
            {
                await KeepAsync(stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogFailed(exception);
            }
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private async Task KeepAsync(CancellationToken cancellationToken)
    {
        await stored.WriteAsync(clock.GetUtcNow(), HostWall(), cancellationToken);
        var asked = clock.GetTimestamp();
        var theirs = await stored.WallAsync(cancellationToken);
        // The database read its clock between request and answer; subtract half the round trip.
        var half = clock.GetElapsedTime(asked) / 2;
        var (time, host) = (clock.GetUtcNow(), HostWall());
        var wall = theirs + half ?? host;
        var before = _latest;
        _latest = new ClockReading(time - wall, host - wall, theirs is not null);
        if (before is not null && (before.Ahead - _latest.Ahead).Duration() > options.Value.MostClockSkew)
        {
            LogStepped(before.Ahead - _latest.Ahead);
        }
    }

    private DateTimeOffset HostWall() => clock is SteadyClock steady ? steady.Wall : clock.GetUtcNow();

    private static string Words(TimeSpan ahead) =>
        $"{ahead.Duration().TotalSeconds:F0} s {(ahead > TimeSpan.Zero ? "ahead of" : "behind")}";

    [LoggerMessage(1821, LogLevel.Warning, "Cannot store the scheduler's time; retrying in 5 s")]
    private partial void LogFailed(Exception exception);

    [LoggerMessage(1822, LogLevel.Warning, "A wall clock was set by {Step}; deadlines and bills do not change")]
    private partial void LogStepped(TimeSpan step);
}

/// <param name="Ahead">The scheduler's time minus the wall clock: the database's, or this machine's if the store is a file.</param>
/// <param name="HostAhead">This machine's clock minus that wall clock.</param>
/// <param name="HasOwnClock">Whether the store has a clock of its own.</param>
internal sealed record ClockReading(TimeSpan Ahead, TimeSpan HostAhead, bool HasOwnClock);
