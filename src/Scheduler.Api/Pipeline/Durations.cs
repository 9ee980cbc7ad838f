using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Scheduler.Edge;

namespace Scheduler.Api.Pipeline;

internal static class Durations
{
    /// <summary>Adds a validation error for a duration out of range; an absent duration is valid.</summary>
    public static void CheckDuration(this Faults faults, string field, Duration? given, TimeSpan least, TimeSpan most)
    {
        if (given is null)
        {
            return;
        }

        // Whole seconds are compared first: an unchecked number of seconds may not fit a TimeSpan.
        var isNormal =
            given.Nanos is > -1_000_000_000 and < 1_000_000_000
            && Math.Sign(given.Seconds) * Math.Sign(given.Nanos) >= 0;
        if (
            !isNormal
            || given.Seconds < (long)least.TotalSeconds
            || given.Seconds > (long)most.TotalSeconds
            || given.ToTimeSpan() < least
            || given.ToTimeSpan() > most
        )
        {
            faults.Add(
                field,
                string.Create(CultureInfo.InvariantCulture, $"Must be {least.TotalSeconds} s to {most.TotalSeconds} s.")
            );
        }
    }
}
