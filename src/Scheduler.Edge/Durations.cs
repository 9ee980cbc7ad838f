using System.Globalization;

namespace Scheduler.Edge;

/// <summary>How a header tells a duration.</summary>
internal static class Durations
{
    /// <summary>Whole seconds, rounded up: whoever waits that long has waited long enough.</summary>
    public static string WholeSeconds(this TimeSpan time) =>
        ((long)Math.Ceiling(time.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
}
