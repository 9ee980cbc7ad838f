namespace Scheduler.DomainTests.Schedules;

/// <summary>Time zones of this host, passed to the schedules as the grains pass theirs.</summary>
internal static class TimeZones
{
    /// <summary>Finds a zone; null when unknown.</summary>
    public static TimeZoneInfo? Find(string name) =>
        TimeZoneInfo.TryFindSystemTimeZoneById(name, out var zone) ? zone : null;
}
