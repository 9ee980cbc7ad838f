namespace Scheduler.Domain.Schedules;

/// <summary>
/// When a pattern comes due in a time zone. A local time that the clocks skip comes due at the end of the gap; one that they show twice
/// comes due the first time only; several that fall on one moment are one.
/// </summary>
/// <param name="pattern">What the clocks must show.</param>
/// <param name="clock">The clocks.</param>
/// <remarks>
/// The library's own rules for a change of the clocks are not used: they repeat patterns with <c>*</c> in the repeated hour and leave them
/// out in the skipped one. Here one rule holds for all patterns: <see cref="WallClock.FirstAt"/>. It never falls as the local time rises,
/// so walking the matches on the wall is walking the moments in order.
/// </remarks>
public sealed class Timetable(CronPattern pattern, WallClock clock)
{
    /// <summary>The first occurrence after another one; null when there is none.</summary>
    public Occurrence? NextAfter(in Occurrence last)
    {
        for (var local = pattern.NextAfter(last.Local); local is { } match; local = pattern.NextAfter(match))
        {
            // Earlier ones: more of the same gap, or of an hour that is being shown a second time.
            if (clock.FirstAt(match) is var at && at > last.At)
            {
                return new Occurrence(match, at);
            }
        }

        return null;
    }

    /// <summary>The latest occurrence up to a moment; null when there is none.</summary>
    public Occurrence? LatestUntil(DateTimeOffset moment) =>
        pattern.LatestUntil(clock.LatestAt(moment)) is { } local ? new Occurrence(local, clock.FirstAt(local)) : null;

    /// <summary>The place in the timetable that a moment has: nothing up to it is still to come.</summary>
    public Occurrence PlaceOf(DateTimeOffset moment) => new(clock.LatestAt(moment), moment);
}

/// <summary>One occurrence, by what the clocks show and by the moment that is.</summary>
/// <param name="Local">
/// What the clocks of the zone show. It is what makes two occurrences the same: when the rules of a zone change, the moment moves and this
/// stays.
/// </param>
/// <param name="At">The moment, by the zone's rules as they were known.</param>
[GenerateSerializer, Immutable, Alias("scheduler.Occurrence")]
public readonly record struct Occurrence([property: Id(0)] DateTime Local, [property: Id(1)] DateTimeOffset At);
