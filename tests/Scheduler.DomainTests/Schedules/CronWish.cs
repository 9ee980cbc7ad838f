using System.Collections.Immutable;
using System.Globalization;

namespace Scheduler.DomainTests.Schedules;

/// <summary>
/// A random cron pattern: its text, and the sets of values it must match, which are not parsed from the text.
/// </summary>
internal sealed record CronWish(string Text, ImmutableArray<ImmutableHashSet<int>> Sets, bool EitherDay)
{
    private static readonly (int Low, int High)[] Ranges = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];
    private static readonly string[] Months =
    [
        "JAN",
        "FEB",
        "MAR",
        "APR",
        "MAY",
        "JUN",
        "JUL",
        "AUG",
        "SEP",
        "OCT",
        "NOV",
        "DEC",
    ];
    private static readonly string[] Days = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

    public static CronWish Make(Random random)
    {
        while (true)
        {
            var fields = Ranges.Select((_, place) => Field(random, place)).ToList();
            var wish = new CronWish(
                string.Join(' ', fields.Select(field => field.Text)),
                [.. fields.Select(field => field.Values.ToImmutableHashSet())],
                !fields[2].Text.StartsWith('*') && !fields[4].Text.StartsWith('*')
            );
            // Patterns with a day that no month has are refused and tested separately.
            if (wish.EitherDay || wish.Sets[2].Min() <= 29)
            {
                return wish;
            }
        }
    }

    public bool Matches(DateTime local)
    {
        var ofMonth = Sets[2].Contains(local.Day);
        var ofWeek = Sets[4].Contains((int)local.DayOfWeek);
        return Sets[0].Contains(local.Minute)
            && Sets[1].Contains(local.Hour)
            && Sets[3].Contains(local.Month)
            && (EitherDay ? ofMonth || ofWeek : ofMonth && ofWeek);
    }

    /// <summary>All matching minutes, without <paramref name="after"/> itself.</summary>
    public IEnumerable<DateTime> Between(DateTime after, DateTime until)
    {
        for (var at = after.AddMinutes(1); at <= until; at = at.AddMinutes(1))
        {
            if (Matches(at))
            {
                yield return at;
            }
        }
    }

    private static (string Text, IEnumerable<int> Values) Field(Random random, int place)
    {
        var (low, high) = Ranges[place];
        if (random.Next(3) == 0)
        {
            return ("*", Enumerable.Range(low, high - low + 1));
        }

        if (random.Next(4) == 0)
        {
            var step = random.Next(1, high);
            return ($"*/{step}", Enumerable.Range(low, high - low + 1).Where(value => (value - low) % step == 0));
        }

        var parts = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Part(random, place, low, high)).ToList();
        return (string.Join(',', parts.Select(part => part.Text)), parts.SelectMany(part => part.Values));
    }

    private static (string Text, IEnumerable<int> Values) Part(Random random, int place, int low, int high)
    {
        var from = random.Next(low, high + 1);
        if (random.Next(2) == 0)
        {
            return (Word(random, place, from), [from]);
        }

        var to = random.Next(from, high + 1);
        var step = random.Next(2) == 0 ? 1 : random.Next(1, high);
        var text = $"{Word(random, place, from)}-{Word(random, place, to)}{(step == 1 ? "" : $"/{step}")}";
        return (text, Enumerable.Range(from, to - from + 1).Where(value => (value - from) % step == 0).ToList());
    }

    private static string Word(Random random, int place, int value) =>
        random.Next(3) > 0 ? value.ToString(CultureInfo.InvariantCulture)
        : place == 3 ? Months[value - 1]
        : place == 4 ? Days[value].ToLowerInvariant()
        : value.ToString(CultureInfo.InvariantCulture);
}
