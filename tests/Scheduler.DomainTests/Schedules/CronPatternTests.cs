using System.Globalization;
using FsCheck;
using FsCheck.Xunit;
using Scheduler.Domain.Schedules;
using Xunit;

namespace Scheduler.DomainTests.Schedules;

public sealed class CronPatternTests
{
    private static readonly DateTime NewYear = new(2026, 1, 1);

    [Theory]
    [InlineData("0 8 * * *", "2026-01-01T08:00")]
    [InlineData("*/15 * * * *", "2026-01-01T00:15")]
    [InlineData("0 0 29 2 *", "2028-02-29T00:00")]
    [InlineData("0 0 31 * *", "2026-01-31T00:00")]
    [InlineData("0 0 31 4,6,8 *", "2026-08-31T00:00")]
    [InlineData("30 6 * * mon-Fri", "2026-01-01T06:30")]
    [InlineData("0 9 * * 7", "2026-01-04T09:00")]
    [InlineData("0 9 * * 0", "2026-01-04T09:00")]
    [InlineData("0 22-2/2 * * *", "2026-01-01T02:00")]
    [InlineData("0 0 1 JUL,oct *", "2026-07-01T00:00")]
    public void The_next_match_is_the_same_as_in_crontab(string cron, string next) =>
        Assert.Equal(Local(next), Parse(cron).NextAfter(NewYear));

    [Fact]
    public void Restricted_day_of_month_and_day_of_week_need_only_one_match()
    {
        // 13 February and 13 March 2026 are Fridays, 13 January is not.
        var pattern = Parse("0 0 13 * FRI");
        Assert.Equal(
            ["01-02", "01-09", "01-13", "01-16", "01-23"],
            Walk(pattern, NewYear, 5).Select(day => day.ToString("MM-dd", CultureInfo.InvariantCulture))
        );
        // A field that begins with a star is not restricted, so both must match: Fridays that are the 1st, 14th or
        // 27th.
        Assert.Equal(Local("2026-02-27T00:00"), Parse("0 0 */13 * FRI").NextAfter(Local("2026-01-30T00:00")));
    }

    [Theory]
    [InlineData("0 0 L * *", "day of month 'L'")]
    [InlineData("0 0 LW * *", "day of month 'LW'")]
    [InlineData("0 0 15W * *", "day of month '15W'")]
    [InlineData("0 0 * * 5L", "day of week '5L'")]
    [InlineData("0 0 * * 6#2", "day of week '6#2'")]
    [InlineData("0 0 ? * *", "day of month '?'")]
    [InlineData("H 0 * * *", "minute 'H'")]
    [InlineData("60 0 * * *", "minute '60'")]
    [InlineData("0 24 * * *", "hour '24'")]
    [InlineData("0 0 0 * *", "day of month '0'")]
    [InlineData("0 0 * 13 *", "month '13'")]
    [InlineData("0 0 * * 8", "day of week '8'")]
    [InlineData("0 0 * JANUARY *", "month 'JANUARY'")]
    [InlineData("0 0 * MON *", "month 'MON'")]
    [InlineData("*/0 0 * * *", "minute '*/0'")]
    [InlineData("1,,2 0 * * *", "minute '1,,2'")]
    [InlineData("-1 0 * * *", "minute '-1'")]
    [InlineData("１ 0 * * *", "minute '１'")]
    [InlineData("0 0 30 2 *", "no day")]
    [InlineData("0 0 31 2,4,6,9,11 *", "no day")]
    [InlineData("", "five fields")]
    [InlineData("@daily", "five fields")]
    [InlineData("0 0 * * * *", "five fields")]
    [InlineData("0 0\n* * *", "five fields")]
    [InlineData("0 0 * * *\n", "five fields")]
    [InlineData("0\t0 * * *", "five fields")]
    public void Syntax_unknown_to_crontab_is_refused_and_quoted(string cron, string seen)
    {
        Assert.False(CronPattern.TryParse(cron, out var pattern, out var faults));
        Assert.Null(pattern);
        Assert.Contains(seen, Assert.Single(faults), StringComparison.Ordinal);
    }

    [Fact]
    public void All_invalid_fields_are_reported_at_once()
    {
        Assert.False(CronPattern.TryParse("60 24 0 13 8", out _, out var faults));
        Assert.Equal(5, faults.Length);
        Assert.False(CronPattern.TryParse(new string('1', CronPattern.LongestText + 1), out _, out faults));
        Assert.DoesNotContain("1111", Assert.Single(faults), StringComparison.Ordinal);
    }

    [Fact]
    public void A_text_is_accepted_up_to_its_limit_and_kept_with_single_spaces()
    {
        var longest = string.Concat(Enumerable.Repeat("0,", CronPattern.LongestText)) + "0 * * * *";
        longest = longest[^CronPattern.LongestText..];
        longest = longest[0] == ',' ? " " + longest[1..] : longest;
        Assert.True(CronPattern.TryParse(longest, out _, out var faults), string.Join(' ', faults));
        Assert.False(CronPattern.TryParse(" " + longest, out _, out _));
        Assert.Equal("0 8 * * MON", Parse("  0   8 * *  MON ").ToString());
        Assert.Equal("0 8 * * MON", Parse("0 8 * * MON").Text);
    }

    [Fact]
    public void Before_the_first_year_there_is_no_latest_match()
    {
        var daily = Parse("0 8 * * *");
        Assert.Null(daily.LatestUntil(new DateTime(1899, 12, 31, 23, 0, 0)));
        Assert.Null(daily.LatestUntil(new DateTime(1900, 1, 1, 7, 59, 0)));
        Assert.Equal(new DateTime(1900, 1, 1, 8, 0, 0), daily.LatestUntil(new DateTime(1900, 1, 1, 8, 0, 0)));
        Assert.Equal(DateTimeKind.Unspecified, daily.LatestUntil(NewYear)!.Value.Kind);
        Assert.Equal(DateTimeKind.Unspecified, daily.NextAfter(NewYear)!.Value.Kind);
    }

    [LongProperty(300)]
    public void Matches_equal_brute_force_in_both_directions(DoNotSize<int> seed)
    {
        var random = new Random(seed.Item);
        var wish = CronWish.Make(random);
        var pattern = Parse(wish.Text);
        var from = new DateTime(2023, 12, 20).AddMinutes(random.Next(3 * 365 * 24 * 60));
        var days = random.Next(1, MutationRun.IsOn ? 20 : 90);
        var expected = wish.Between(from, from.AddDays(days)).ToList();

        Assert.Equal(expected, Walk(pattern, from, int.MaxValue).TakeWhile(time => time <= from.AddDays(days)));

        expected.Reverse();
        var back = new List<DateTime>();
        for (
            var at = pattern.LatestUntil(from.AddDays(days));
            at > from;
            at = pattern.LatestUntil(at.Value.AddTicks(-1))
        )
        {
            back.Add(at.Value);
        }

        Assert.Equal(expected, back);
    }

    [Property(MaxTest = 2000)]
    public void Random_text_is_accepted_or_refused_with_one_line_errors(string? text)
    {
        if (!CronPattern.TryParse(text ?? "", out var pattern, out var faults))
        {
            Assert.NotEmpty(faults);
            Assert.All(faults, fault => Assert.DoesNotContain(fault, char.IsControl));
            return;
        }

        Assert.NotNull(pattern.NextAfter(NewYear));
    }

    internal static CronPattern Parse(string cron)
    {
        Assert.True(CronPattern.TryParse(cron, out var pattern, out var faults), $"{cron}: {string.Join(' ', faults)}");
        return pattern;
    }

    private static IEnumerable<DateTime> Walk(CronPattern pattern, DateTime from, int most)
    {
        for (var at = pattern.NextAfter(from); at is { } match && most > 0; at = pattern.NextAfter(match), most--)
        {
            yield return match;
        }
    }

    private static DateTime Local(string text) =>
        DateTime.ParseExact(text, "yyyy-MM-dd'T'HH:mm", CultureInfo.InvariantCulture);
}
