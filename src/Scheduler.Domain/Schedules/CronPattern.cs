using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;
using Cronos;

namespace Scheduler.Domain.Schedules;

/// <summary>
/// The five fields of a crontab line, matched against local time. It has no time zone; <see cref="Timetable"/> handles
/// clock changes.
/// </summary>
/// <remarks>
/// The rules are those of crontab. Where day of month and day of week are both restricted, a day needs to match only
/// one of them. A field that begins with <c>*</c> is not restricted. A range may wrap around (<c>FRI-MON</c>).
/// Extensions of cron libraries (seconds, <c>L W # ? H</c>, <c>@daily</c>) are refused, because their meaning differs
/// between implementations.
/// </remarks>
public sealed partial class CronPattern
{
    /// <summary>Characters: enough to list every value of every field.</summary>
    public const int LongestText = 512;

    private static readonly Field[] Fields =
    [
        new("minute", "0 to 59", []),
        new("hour", "0 to 23", []),
        new("day of month", "1 to 31", []),
        new(
            "month",
            "1 to 12 or JAN to DEC",
            ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
        ),
        new("day of week", "0 to 7 or SUN to SAT", ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]),
    ];

    private static readonly DateTime EarliestDate = new(1900, 1, 1, 0, 0, 0, DateTimeKind.Unspecified);

    /// <summary>A day matches if one of these matches.</summary>
    private readonly ImmutableArray<CronExpression> _either;

    private CronPattern(string text, ImmutableArray<CronExpression> either)
    {
        Text = text;
        _either = either;
    }

    /// <summary>The five fields, separated by single spaces.</summary>
    public string Text { get; }

    /// <param name="faults">All errors, one line each.</param>
    public static bool TryParse(
        string text,
        [NotNullWhen(true)] out CronPattern? pattern,
        out ImmutableArray<string> faults
    )
    {
        pattern = null;
        var parts = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (text.Length > LongestText || text.Any(char.IsControl) || parts.Length != Fields.Length)
        {
            faults =
            [
                $"Must be five fields in one line of at most {LongestText} characters: minute, hour, day of month, month, day of week.",
            ];
            return false;
        }

        faults = [.. Fields.Select((field, i) => field.FaultOf(i, parts[i])).OfType<string>()];
        if (!faults.IsEmpty)
        {
            return false;
        }

        var read = new CronPattern(
            string.Join(' ', parts),
            [.. Split(parts).Select(part => CronExpression.Parse(part))]
        );
        if (read.NextAfter(EarliestDate) is null)
        {
            faults = ["Matches no day there is."];
            return false;
        }

        pattern = read;
        return true;
    }

    /// <summary>The first match after a local time; null when there is none before the year 2500.</summary>
    public DateTime? NextAfter(DateTime local)
    {
        var from = DateTime.SpecifyKind(local, DateTimeKind.Utc);
        return Wall(_either.Min(cron => cron.GetNextOccurrence(from)));
    }

    /// <summary>The last match up to and including a local time; null when there is none since 1900.</summary>
    /// <remarks>
    /// A binary search with the forward search. The library's backward search (Cronos 0.13.0) returns days in months
    /// that do not match, for example for <c>* 13 * 7-10,12 *</c> on 1 December.
    /// </remarks>
    public DateTime? LatestUntil(DateTime local)
    {
        var (from, until) = (EarliestDate, local);
        if (!(NextAfter(from) <= local))
        {
            return null;
        }

        // Invariant: a match follows `from` up to `local`, and none follows `until`.
        while (until - from > TimeSpan.FromMinutes(1))
        {
            var middle = from + ((until - from) / 2);
            (from, until) = NextAfter(middle) <= local ? (middle, until) : (from, middle);
        }

        return NextAfter(from);
    }

    /// <inheritdoc/>
    public override string ToString() => Text;

    private static DateTime? Wall(DateTime? match) =>
        match is { } time ? DateTime.SpecifyKind(time, DateTimeKind.Unspecified) : null;

    /// <summary>The library requires both day fields to match, crontab only one: each gets its own pattern.</summary>
    private static IEnumerable<string> Split(string[] parts)
    {
        const int DayOfMonth = 2;
        const int DayOfWeek = 4;
        return parts[DayOfMonth][0] is '*' || parts[DayOfWeek][0] is '*'
            ? [string.Join(' ', parts)]
            : [With(parts, DayOfWeek, "*"), With(parts, DayOfMonth, "*")];
    }

    private static string With(string[] parts, int place, string field) =>
        string.Join(' ', parts.Select((part, i) => i == place ? field : part));

    private sealed record Field(string Name, string Range, string[] Names)
    {
        public string? FaultOf(int place, string text) =>
            Accepts(place, text)
                ? null
                : $"The {Name} '{text}' is not accepted; it is {Range}, a list a,b, a range a-b, steps */n or a-b/n, or *.";

        private bool Accepts(int place, string text) =>
            Shape().Match(text) is { Success: true } shape
            && shape.Groups["name"].Captures.All(name => Names.Contains(name.Value, StringComparer.OrdinalIgnoreCase))
            && CronExpression.TryParse(With(["*", "*", "*", "*", "*"], place, text), out _);
    }

    [GeneratedRegex(
        @"^(?:\*|(?:\d+|(?<name>[A-Za-z]+))(?:-(?:\d+|(?<name>[A-Za-z]+)))?)(?:/\d+)?(?:,(?:\d+|(?<name>[A-Za-z]+))(?:-(?:\d+|(?<name>[A-Za-z]+)))?(?:/\d+)?)*\z",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex Shape();
}
