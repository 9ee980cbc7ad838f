namespace Scheduler.Domain.Billing;

/// <summary>What seconds of <c>running</c> cost.</summary>
public static class Usage
{
    /// <summary>Seconds in an hour.</summary>
    public const long SecondsPerHour = 3600;

    /// <summary>Whole seconds between two moments; 0 when the clock stepped back. A started second that did not end is not billed.</summary>
    /// <param name="since">Start of <c>running</c>.</param>
    /// <param name="until">Its end, or the present.</param>
    public static long Seconds(DateTimeOffset since, DateTimeOffset until) =>
        until <= since ? 0 : (until - since).Ticks / TimeSpan.TicksPerSecond;

    /// <summary>
    /// Cost of the first <paramref name="seconds"/> of a run, rounded down to a micro-EUR. A segment costs the difference of two such
    /// figures, so however a run is cut into segments their sum is the cost of the whole: nothing is lost or billed twice by rounding.
    /// </summary>
    /// <param name="pricePerHour">Price snapshot, ≥ 0.</param>
    /// <param name="seconds">Whole seconds, ≥ 0.</param>
    /// <exception cref="OverflowException">The cost does not fit 64 bits of micro-EUR.</exception>
    public static MicroEuro Cost(MicroEuro pricePerHour, long seconds) =>
        // Prices below 2,000 EUR/h and runs below 68 years: the whole of practice, at a tenth of the time.
        pricePerHour.Value
            is >= 0
                and <= int.MaxValue
        && seconds is >= 0 and <= int.MaxValue
            ? new(pricePerHour.Value * seconds / SecondsPerHour)
            : new(checked((long)((Int128)pricePerHour.Value * seconds / SecondsPerHour)));

    /// <summary>How many whole seconds an amount lasts at a price; null when the price is zero.</summary>
    /// <param name="amount">Money, negative counts as none.</param>
    /// <param name="pricePerHour">Price, ≥ 0.</param>
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
