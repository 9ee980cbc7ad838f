namespace Scheduler.Domain.Schedules;

/// <summary>Validates a schedule's spec; reports all errors at once, by the API's field names.</summary>
public static class ScheduleValidation
{
    /// <summary>Characters.</summary>
    public const int LongestDescription = 256;

    /// <summary>Characters: twice the longest existing name.</summary>
    public const int LongestTimeZone = 64;

    /// <param name="zones">Finds a time zone by name; null for an unknown name.</param>
    public static IEnumerable<(string Field, string Description)> FaultsOf(
        ScheduleSpec spec,
        Func<string, TimeZoneInfo?> zones
    )
    {
        if (!Enum.IsDefined(spec.Action))
        {
            yield return ("action", "Must be SCHEDULE_ACTION_START or SCHEDULE_ACTION_STOP.");
        }

        if (!CronPattern.TryParse(spec.Cron, out _, out var faults))
        {
            yield return ("cron", string.Join(' ', faults));
        }

        if (spec.TimeZone.Length is 0 or > LongestTimeZone || spec.TimeZone.Any(char.IsControl))
        {
            yield return ("time_zone", $"Must be {Zones}.");
        }
        else if (zones(spec.TimeZone) is null)
        {
            yield return ("time_zone", $"'{spec.TimeZone}' is not known; accepted is {Zones}.");
        }

        if (spec.Description.Length > LongestDescription || spec.Description.Any(char.IsControl))
        {
            yield return ("description", $"Must be at most {LongestDescription} characters in one line.");
        }
    }

    private const string Zones =
        "a name of the IANA time zone database, in its spelling, such as Europe/Berlin, America/New_York or UTC";
}
