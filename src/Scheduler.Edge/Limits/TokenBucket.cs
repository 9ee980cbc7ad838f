namespace Scheduler.Edge.Limits;

/// <summary>
/// A bucket of tokens, kept as the one moment at which it is full again. In any t seconds it gives at most <c>burst + t × rate</c> tokens.
/// </summary>
/// <remarks>
/// The platform's token bucket reads the machine's own clock and keeps a timer for a partition; this one is told the time and needs 8
/// bytes. Not for several threads at once.
/// </remarks>
internal struct TokenBucket
{
    private long _fullAt;

    /// <summary>Takes one token if there is one.</summary>
    /// <param name="rate">How fast it fills and how much it holds.</param>
    /// <param name="now">The clock's timestamp.</param>
    /// <param name="frequency">How many of those are a second.</param>
    public bool TryTake(Rate rate, long now, long frequency)
    {
        var each = Each(rate, frequency);
        var fullAt = Math.Max(_fullAt, now) + each;
        if (fullAt - now > each * rate.Burst)
        {
            return false;
        }

        _fullAt = fullAt;
        return true;
    }

    /// <summary>Takes one token that has been used already, if need be on credit; the debt is at most another full bucket.</summary>
    public void Charge(Rate rate, long now, long frequency)
    {
        var each = Each(rate, frequency);
        _fullAt = Math.Min(Math.Max(_fullAt, now) + each, now + (2 * each * rate.Burst));
    }

    /// <summary>What is in it.</summary>
    public readonly RateLeft Look(Rate rate, long now, long frequency)
    {
        var each = Each(rate, frequency);
        var whole = each * rate.Burst;
        var missing = Math.Max(0, _fullAt - now);
        return new RateLeft(
            rate.Burst,
            (int)(Math.Max(0, whole - missing) / each),
            Time(Math.Max(0, missing + each - whole), frequency),
            Time(missing, frequency)
        );
    }

    /// <summary>Whether it is as good as a new one.</summary>
    public readonly bool IsFull(long now) => _fullAt <= now;

    // Rounded up, so that what it gives is never more than it promises.
    private static long Each(Rate rate, long frequency) => (frequency + rate.PerSecond - 1) / rate.PerSecond;

    private static TimeSpan Time(long timestamps, long frequency) =>
        new((long)((((Int128)timestamps * TimeSpan.TicksPerSecond) + frequency - 1) / frequency));
}

/// <summary>So many a second in the long run, and so many at once after a silence.</summary>
/// <param name="PerSecond">0 for no limit.</param>
/// <param name="Burst">At least 1.</param>
internal sealed record Rate(int PerSecond, int Burst)
{
    /// <summary>Whether there is a limit at all.</summary>
    public bool IsLimited => PerSecond > 0;
}
