namespace Scheduler.Domain.Schedules;

/// <summary>
/// The occurrences of a pattern in a time zone. A local time that the clocks skip comes due at the end of the gap. A
/// repeated local time comes due the first time only. Several local times at the same instant are one occurrence.
/// </summary>
/// <remarks>
/// The Cronos rules for clock changes are not used: they repeat patterns with <c>*</c> in the repeated hour and omit
/// them in the skipped one. Here one rule holds for all patterns: <see cref="WallClock.FirstAt"/>. It is monotonic in
/// the local time, so the matches in order of local time are also in order of instant.
/// </remarks>
public sealed class Timetable(CronPattern pattern, WallClock clock)
{
    /// <summary>Null when there is none.</summary>
    public Occurrence? NextAfter(in Occurrence last)
    {
        for (var local = pattern.NextAfter(last.Local); local is { } match; local = pattern.NextAfter(match))
        {
            // Skips other matches in the same gap, or in an hour that is shown a second time.
            if (clock.FirstAt(match) is var at && at > last.At)
            {
                return new Occurrence(match, at);
            }
        }

        return null;
    }

    /// <summary>Null when there is none.</summary>
    public Occurrence? LatestUntil(DateTimeOffset moment) =>
        pattern.LatestUntil(clock.LatestAt(moment)) is { } local ? new Occurrence(local, clock.FirstAt(local)) : null;

    /// <summary>The position of an instant in the timetable; all occurrences up to it are past.</summary>
    public Occurrence PlaceOf(DateTimeOffset moment) => new(clock.LatestAt(moment), moment);
}

/// <param name="Local">
/// The local time in the zone. It is the identity of an occurrence: when the rules of a zone change, the instant moves
/// and the local time stays.
/// </param>
/// <param name="At">The instant, by the zone's rules as known when it was computed.</param>
[GenerateSerializer, Immutable, Alias("scheduler.Occurrence")]
public readonly record struct Occurrence([property: Id(0)] DateTime Local, [property: Id(1)] DateTimeOffset At);
