namespace Scheduler.Grains;

/// <summary>The scheduler's clock, in whole milliseconds: what is in memory equals what is stored.</summary>
internal static class Clock
{
    /// <summary>The present, UTC, cut to the millisecond.</summary>
    public static DateTimeOffset Now(this TimeProvider clock)
    {
        var now = clock.GetUtcNow();
        return new DateTimeOffset(now.Ticks - (now.Ticks % TimeSpan.TicksPerMillisecond), TimeSpan.Zero);
    }
}
