namespace Scheduler.Grains.Schedules;

/// <summary>The time zones this host knows: its copy of the IANA database, read as the process meets their names.</summary>
public static class TimeZones
{
    /// <summary>Variants of the database that some hosts keep beside it; the second counts leap seconds, which no clock here does.</summary>
    private static readonly string[] Variants = ["posix/", "right/"];

    /// <summary>A zone by its name, exactly as the database spells it; null when it has none of that name.</summary>
    public static TimeZoneInfo? Find(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return
            name.Length > 0
            && char.IsAsciiLetterUpper(name[0])
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '_' or '-' or '+')
            && !Variants.Any(variant => name.StartsWith(variant, StringComparison.Ordinal))
            && TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone)
            && string.Equals(zone.Id, name, StringComparison.Ordinal)
            ? zone
            : null;
    }
}
