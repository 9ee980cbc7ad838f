namespace Scheduler.Domain.Schedules;

/// <summary>
/// What the clocks on the walls of a time zone show. Built on the zone's offset from UTC alone, so that a zone whose standard time changes is
/// treated no differently from one that saves daylight.
/// </summary>
/// <param name="zone">The zone.</param>
public sealed class WallClock(TimeZoneInfo zone)
{
    /// <summary>No zone is further from UTC than this, and none changes its clocks twice within twice as long.</summary>
    private static readonly TimeSpan Around = TimeSpan.FromDays(1);

    /// <summary>What the clocks show at a moment.</summary>
    public DateTime At(DateTimeOffset moment) =>
        DateTime.SpecifyKind(moment.UtcDateTime + OffsetAt(moment), DateTimeKind.Unspecified);

    /// <summary>
    /// The first moment at which the clocks show a time or a later one: the end of the gap for a time that is skipped, the first of the two
    /// for one that is repeated.
    /// </summary>
    /// <param name="local">The time shown.</param>
    public DateTimeOffset FirstAt(DateTime local)
    {
        var asUtc = new DateTimeOffset(local, TimeSpan.Zero);
        var (before, after) = (OffsetAt(asUtc - Around), OffsetAt(asUtc + Around));
        if (before == after)
        {
            return asUtc - before;
        }

        var change = ChangeIn(asUtc - Around, asUtc + Around);
        return asUtc - before < change ? asUtc - before
            : asUtc - after > change ? asUtc - after
            : change;
    }

    /// <summary>The latest time the clocks have shown up to a moment; while an hour is repeated that is later than what they show.</summary>
    public DateTime LatestAt(DateTimeOffset moment)
    {
        var shown = At(moment);
        var first = FirstAt(shown);
        if (first == moment)
        {
            return shown;
        }

        // The second round: the clocks were set back somewhere between the first showing of this time and this one.
        var lastOfFirstRound = ChangeIn(first, moment) - TimeSpan.FromTicks(1);
        return At(lastOfFirstRound);
    }

    /// <summary>The moment between two others from which on the offset is the later one's.</summary>
    private DateTimeOffset ChangeIn(DateTimeOffset from, DateTimeOffset to)
    {
        var offset = OffsetAt(to);
        while ((to - from).Ticks > 1)
        {
            var middle = from + ((to - from) / 2);
            (from, to) = OffsetAt(middle) == offset ? (from, middle) : (middle, to);
        }

        return to;
    }

    private TimeSpan OffsetAt(DateTimeOffset moment) => zone.GetUtcOffset(moment);
}
