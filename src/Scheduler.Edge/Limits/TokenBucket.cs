namespace Scheduler.Edge.Limits;

/// <summary>
/// A token bucket, stored as the one time at which it is full again. In any t seconds it grants at most
/// <c>burst + t × rate</c> tokens.
/// </summary>
/// <remarks>
/// The .NET token bucket reads the system clock and has a timer per partition. This one gets the time as an argument
/// and needs 8 bytes. It is not thread-safe.
/// </remarks>
internal struct TokenBucket
{
    private long _fullAt;

    /// <param name="frequency">Timestamps per second.</param>
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

    /// <summary>
    /// Takes one token for a request that already happened, so the level may become negative, at most by one full
    /// bucket.
    /// </summary>
    public void Charge(Rate rate, long now, long frequency)
    {
        var each = Each(rate, frequency);
        _fullAt = Math.Min(Math.Max(_fullAt, now) + each, now + (2 * each * rate.Burst));
    }

    public readonly RateLeft Peek(Rate rate, long now, long frequency)
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

    /// <summary>Whether it equals a new bucket.</summary>
    public readonly bool IsFull(long now) => _fullAt <= now;

    // Rounded up, so that the bucket never grants more than its rate.
    private static long Each(Rate rate, long frequency) => (frequency + rate.PerSecond - 1) / rate.PerSecond;

    private static TimeSpan Time(long timestamps, long frequency) =>
        new((long)((((Int128)timestamps * TimeSpan.TicksPerSecond) + frequency - 1) / frequency));
}

/// <summary>An average rate and the burst allowed after an idle time.</summary>
/// <param name="PerSecond">0 for no limit.</param>
/// <param name="Burst">At least 1.</param>
internal sealed record Rate(int PerSecond, int Burst)
{
    public bool IsLimited => PerSecond > 0;
}
