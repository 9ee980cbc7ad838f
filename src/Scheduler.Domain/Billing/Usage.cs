namespace Scheduler.Domain.Billing;

/// <summary>The cost of seconds of <c>running</c>.</summary>
public static class Usage
{
    public const long SecondsPerHour = 3600;

    /// <summary>Whole seconds between two moments; 0 when the clock stepped back. A second that has not ended is not billed.</summary>
    public static long Seconds(DateTimeOffset since, DateTimeOffset until) =>
        until <= since ? 0 : (until - since).Ticks / TimeSpan.TicksPerSecond;

    /// <summary>
    /// Cost of the first <paramref name="seconds"/> of a run, rounded down to a micro-EUR. A segment costs the difference of two such
    /// figures. So the segments of a run always add up to the cost of the whole run: rounding neither loses nor bills money twice.
    /// </summary>
    /// <param name="pricePerHour">Price snapshot, ≥ 0.</param>
    /// <param name="seconds">Whole seconds, ≥ 0.</param>
    /// <exception cref="OverflowException">The cost does not fit 64 bits of micro-EUR.</exception>
    public static MicroEuro Cost(MicroEuro pricePerHour, long seconds) =>
        // Covers prices below 2,000 EUR/h and runs below 68 years, which is every practical case, in a tenth of the time.
        pricePerHour.Value
            is >= 0
                and <= int.MaxValue
        && seconds is >= 0 and <= int.MaxValue
            ? new(pricePerHour.Value * seconds / SecondsPerHour)
            : new(checked((long)((Int128)pricePerHour.Value * seconds / SecondsPerHour)));

    /// <summary>How many whole seconds an amount lasts at a price; null when the price is zero.</summary>
    /// <param name="amount">A negative amount counts as zero.</param>
    /// <param name="pricePerHour">≥ 0.</param>
    public static long? SecondsFor(MicroEuro amount, MicroEuro pricePerHour)
    {
        if (pricePerHour.Value == 0)
        {
            return null;
        }

        var seconds = (Int128)Math.Max(0, amount.Value) * SecondsPerHour / pricePerHour.Value;
        return seconds > long.MaxValue ? long.MaxValue : (long)seconds;
    }
}
