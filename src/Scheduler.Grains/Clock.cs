namespace Scheduler.Grains;

/// <summary>The scheduler's clock in whole milliseconds, so that values in memory equal their stored form.</summary>
internal static class Clock
{
    /// <summary>Current time, UTC, truncated to the millisecond.</summary>
    public static DateTimeOffset Now(this TimeProvider clock)
    {
        var now = clock.GetUtcNow();
        return new DateTimeOffset(now.Ticks - (now.Ticks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero);
    }
}
