namespace Scheduler.Domain.Schedules;

[GenerateSerializer, Immutable, Alias("scheduler.ScheduleSpec")]
public sealed record ScheduleSpec
{
    [Id(0)]
    public ScheduleAction Action { get; init; }

    /// <summary>The times, as five crontab fields; see <see cref="CronPattern"/>.</summary>
    [Id(1)]
    public string Cron { get; init; } = "";

    /// <summary>The time zone of <see cref="Cron"/>: a name of the IANA time zone database.</summary>
    [Id(2)]
    public string TimeZone { get; init; } = "";

    [Id(3)]
    public bool Enabled { get; init; } = true;

    [Id(4)]
    public string Description { get; init; } = "";

    public bool HasOtherTimesThan(ScheduleSpec other)
    {
        return Enabled != other.Enabled
            || !string.Equals(Cron, other.Cron, StringComparison.Ordinal)
            || !string.Equals(TimeZone, other.TimeZone, StringComparison.Ordinal);
    }

    /// <summary>The timetable; null when the host does not know the time zone (any more).</summary>
    /// <param name="zones">Finds a time zone by name; null for an unknown name.</param>
    public Timetable? TimetableIn(Func<string, TimeZoneInfo?> zones)
    {
        return zones(TimeZone) is { } zone && CronPattern.TryParse(Cron, out var pattern, out _)
            ? new Timetable(pattern, new WallClock(zone))
            : null;
    }
}

public enum ScheduleAction
{
    Start = 1,

    Stop = 2,
}
