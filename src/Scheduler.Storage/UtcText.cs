using System.Globalization;

namespace Scheduler.Storage;

/// <summary>The one way a time is stored: UTC, milliseconds, fixed width, so that text order is time order.</summary>
internal static class UtcText
{
    private const string Pattern = "yyyy-MM-dd'T'HH:mm:ss.fff'Z'";

    /// <summary>Formats a time; what is finer than a millisecond is cut off.</summary>
    public static string Format(DateTimeOffset time) =>
        time.UtcDateTime.ToString(Pattern, CultureInfo.InvariantCulture);

    /// <summary>Reads a time this class wrote.</summary>
    /// <exception cref="FormatException">The text is none.</exception>
    public static DateTimeOffset Parse(string text) =>
        DateTimeOffset.ParseExact(
            text,
            Pattern,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal
        );
}
