using Scheduler.Domain.Storage;

namespace Scheduler.Grains;

/// <summary>
/// The scheduler's time. It starts once, and from then on only the monotonic clock of the machine advances it: setting the machine's clock
/// changes neither deadlines nor bills. The only clock of a process; see <c>src/decisions/0017-time.md</c>.
/// </summary>
/// <param name="host">The machine's clocks.</param>
/// <param name="start">The scheduler's time now.</param>
public sealed class SteadyClock(TimeProvider host, DateTimeOffset start) : TimeProvider
{
    private readonly long _startedAt = host.GetTimestamp();

    /// <summary>The wall clock of this machine, which may step.</summary>
    public DateTimeOffset Wall => host.GetUtcNow();

    public override TimeZoneInfo LocalTimeZone => host.LocalTimeZone;

    public override long TimestampFrequency => host.TimestampFrequency;

    /// <summary>A clock that starts at the machine's wall clock: for a process without a store.</summary>
    public static SteadyClock Start(TimeProvider host) => new(host, host.GetUtcNow());

    /// <summary>A clock that continues the time of the store. It blocks while it reads the store.</summary>
    public static SteadyClock Continue(TimeProvider host, IStoredClock stored)
    {
        var read = stored.Read();
        var wall = read.Wall ?? host.GetUtcNow();
        return new SteadyClock(host, read.Mark?.Resume(wall, read.IsMeasuring) ?? wall);
    }

    public override DateTimeOffset GetUtcNow() => start + host.GetElapsedTime(_startedAt);

    public override long GetTimestamp() => host.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        host.CreateTimer(callback, state, dueTime, period);
}
