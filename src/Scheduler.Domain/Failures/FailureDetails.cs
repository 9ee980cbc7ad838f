using System.Collections.Immutable;
using System.Globalization;
using Scheduler.Domain.Billing;

namespace Scheduler.Domain.Failures;

/// <summary>
/// Reads what <see cref="FailureFacts"/> wrote. Stored failures may be older than the code that reads them, so a fact that is missing or
/// does not read as what it should be is simply not known.
/// </summary>
internal static class FailureDetails
{
    /// <summary>Longest line that is believed: a route is three words of at most 64 characters.</summary>
    private const int LongestLine = 256;

    /// <summary>A whole number within a range; null when there is none.</summary>
    public static long? Number(
        this ImmutableSortedDictionary<string, string> details,
        string name,
        long least,
        long most = long.MaxValue
    ) => details.TryGetValue(name, out var text) ? Number(text, least, most) : null;

    /// <summary>The same of one value.</summary>
    public static long? Number(string text, long least, long most) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
        && number >= least
        && number <= most
            ? number
            : null;

    /// <summary>An amount in micro-EUR, not below zero; null when there is none.</summary>
    public static MicroEuro? Money(this ImmutableSortedDictionary<string, string> details, string name) =>
        details.Number(name, 0) is { } value ? new MicroEuro(value) : null;

    /// <summary>A word or a route, in one line; null when there is none.</summary>
    public static string? Line(this ImmutableSortedDictionary<string, string> details, string name) =>
        details.TryGetValue(name, out var text) && text.Length is > 0 and <= LongestLine && !text.Any(char.IsControl)
            ? text
            : null;
}
