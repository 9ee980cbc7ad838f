namespace Scheduler.Grains.Schedules;

/// <summary>Time zones known to this host, from its copy of the IANA database, loaded when first used.</summary>
public static class TimeZones
{
    /// <summary>
    /// Copies of the database that some hosts keep in subfolders. The second counts leap seconds, which no clock here
    /// does.
    /// </summary>
    private static readonly string[] Variants = ["posix/", "right/"];

    /// <summary>Finds a zone by the database's exact spelling; null when unknown.</summary>
    public static TimeZoneInfo? Find(string name)
    {
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
