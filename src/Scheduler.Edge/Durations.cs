using System.Globalization;

namespace Scheduler.Edge;

internal static class Durations
{
    /// <summary>
    /// Whole seconds for a header, rounded up, so that a caller that waits this long has waited enough.
    /// </summary>
    public static string WholeSeconds(this TimeSpan time) =>
        ((long)Math.Ceiling(time.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
}
