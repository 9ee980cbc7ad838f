using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Scheduler.Edge;

namespace Scheduler.Api.Edge;

/// <summary>Bounds of durations.</summary>
internal static class Durations
{
    /// <summary>Notes a fault of a duration that was given.</summary>
    public static void CheckDuration(this Faults faults, string field, Duration? given, TimeSpan least, TimeSpan most)
    {
        if (given is null)
        {
            return;
        }

        // Whole seconds are compared first: a stranger's number of seconds may not fit a TimeSpan.
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
