using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Billing;

namespace Scheduler.Domain.Failures;

/// <summary>
/// Reads the details that <see cref="FailureFacts"/> wrote. Stored failures may be older than this code, so a missing
/// or malformed fact counts as unknown and is not an error.
/// </summary>
internal static class FailureDetails
{
    /// <summary>Longest accepted line in characters: a route is three words of at most 64 characters.</summary>
    private const int LongestLine = 256;

    /// <summary>A whole number within a range; null when absent or invalid.</summary>
    public static long? Number(
        this ImmutableSortedDictionary<string, string> details,
        string name,
        long least,
        long most = long.MaxValue
    ) => details.TryGetValue(name, out var text) ? Number(text, least, most) : null;

    public static long? Number(string text, long least, long most) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
        && number >= least
        && number <= most
            ? number
            : null;

    /// <summary>An amount in micro-EUR, at least 0; null when absent or invalid.</summary>
    public static MicroEuro? Money(this ImmutableSortedDictionary<string, string> details, string name) =>
        details.Number(name, 0) is { } value ? new MicroEuro(value) : null;

    /// <summary>A word or a route on one line; null when absent or invalid.</summary>
    public static string? Line(this ImmutableSortedDictionary<string, string> details, string name) =>
        details.TryGetValue(name, out var text) && text.Length is > 0 and <= LongestLine && !text.Any(char.IsControl)
            ? text
            : null;
}
