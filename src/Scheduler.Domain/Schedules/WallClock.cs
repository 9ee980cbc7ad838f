namespace Scheduler.Domain.Schedules;

/// <summary>
/// The local time of a time zone. It uses only the zone's offset from UTC, so a change of standard time is handled like
/// a change to daylight saving time.
/// </summary>
public sealed class WallClock(TimeZoneInfo zone)
{
    /// <summary>No zone is further from UTC, and none changes its clocks twice within twice this time.</summary>
    private static readonly TimeSpan Around = TimeSpan.FromDays(1);

    public DateTime At(DateTimeOffset moment) =>
        DateTime.SpecifyKind(moment.UtcDateTime + OffsetAt(moment), DateTimeKind.Unspecified);

    /// <summary>
    /// The first instant at which the clocks show this time or a later one. For a skipped time that is the end of the
    /// gap, for a repeated time the first of the two.
    /// </summary>
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

    /// <summary>Latest local time shown so far; in a repeated hour it is later than the time shown then.</summary>
    public DateTime LatestAt(DateTimeOffset moment)
    {
        var shown = At(moment);
        var first = FirstAt(shown);
        if (first == moment)
        {
            return shown;
        }

        // A repeated time: the clocks were set back between the first instant of this local time and this one.
        var lastOfFirstRound = ChangeIn(first, moment) - TimeSpan.FromTicks(1);
        return At(lastOfFirstRound);
    }

    /// <summary>The instant between two others at which the offset changes to the later one.</summary>
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
