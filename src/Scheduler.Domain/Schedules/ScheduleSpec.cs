namespace Scheduler.Domain.Schedules;

/// <summary>What a schedule does, and when.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ScheduleSpec")]
public sealed record ScheduleSpec
{
    /// <summary>What is done to the instance.</summary>
    [Id(0)]
    public ScheduleAction Action { get; init; }

    /// <summary>When, as five crontab fields; see <see cref="CronPattern"/>.</summary>
    [Id(1)]
    public string Cron { get; init; } = "";

    /// <summary>Whose clocks are meant: a name of the IANA time zone database.</summary>
    [Id(2)]
    public string TimeZone { get; init; } = "";

    /// <summary>Whether it is done at all.</summary>
    [Id(3)]
    public bool Enabled { get; init; } = true;

    /// <summary>For people.</summary>
    [Id(4)]
    public string Description { get; init; } = "";

    /// <summary>Whether another spec comes due at other times.</summary>
    public bool HasOtherTimesThan(ScheduleSpec other)
    {
        ArgumentNullException.ThrowIfNull(other);
        return Enabled != other.Enabled
            || !string.Equals(Cron, other.Cron, StringComparison.Ordinal)
            || !string.Equals(TimeZone, other.TimeZone, StringComparison.Ordinal);
    }

    /// <summary>Its timetable; null where the host does not know its time zone (any more).</summary>
    /// <param name="zones">Finds a zone by its name; null for a name that is none.</param>
    public Timetable? TimetableIn(Func<string, TimeZoneInfo?> zones)
    {
        ArgumentNullException.ThrowIfNull(zones);
        return zones(TimeZone) is { } zone && CronPattern.TryParse(Cron, out var pattern, out _)
            ? new Timetable(pattern, new WallClock(zone))
            : null;
    }
}

/// <summary>What a schedule does.</summary>
public enum ScheduleAction
{
    /// <summary>Starts the instance.</summary>
    Start = 1,

    /// <summary>Stops it.</summary>
    Stop = 2,
}
