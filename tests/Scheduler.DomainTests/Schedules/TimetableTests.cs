using System.Globalization;
using FsCheck;
using Scheduler.Domain.Schedules;
using Xunit;

namespace Scheduler.DomainTests.Schedules;

/// <summary>Schedules around clock changes, by examples and against brute force over the time zone database.</summary>
public sealed class TimetableTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Different kinds of zones: changes of one hour, of half an hour, odd offsets, changes for Ramadan, no changes.
    /// </summary>
    private static readonly string[] Zones =
    [
        "Europe/Berlin",
        "America/New_York",
        "Australia/Lord_Howe",
        "Asia/Kathmandu",
        "Africa/Casablanca",
        "America/St_Johns",
        "Pacific/Apia",
        "Pacific/Chatham",
        "America/Sao_Paulo",
        "Asia/Tehran",
        "Africa/Cairo",
        "America/Caracas",
        "Asia/Pyongyang",
        "Antarctica/Troll",
        "UTC",
    ];

    [Theory]
    // A skipped time runs at the end of the gap.
    [InlineData("Europe/Berlin", "30 2 * * *", "2026-03-28T12:00Z", "2026-03-29T01:00Z 2026-03-30T00:30Z")]
    [InlineData("America/New_York", "30 2 * * *", "2026-03-07T12:00Z", "2026-03-08T07:00Z 2026-03-09T06:30Z")]
    [InlineData("Australia/Lord_Howe", "15 2 * * *", "2026-10-03T00:00Z", "2026-10-03T15:30Z 2026-10-04T15:15Z")]
    [InlineData("Africa/Casablanca", "30 2 * * *", "2026-03-21T12:00Z", "2026-03-22T02:00Z 2026-03-23T01:30Z")]
    // Several skipped times give one run.
    [InlineData("Europe/Berlin", "*/20 2,3 * * *", "2026-03-28T12:00Z", "2026-03-29T01:00Z 2026-03-29T01:20Z")]
    [InlineData("Europe/Berlin", "15,45 2 * * *", "2026-03-28T12:00Z", "2026-03-29T01:00Z 2026-03-30T00:15Z")]
    // A repeated time runs the first time.
    [InlineData("Europe/Berlin", "30 2 * * *", "2026-10-24T12:00Z", "2026-10-25T00:30Z 2026-10-26T01:30Z")]
    [InlineData("America/New_York", "30 1 * * *", "2026-10-31T12:00Z", "2026-11-01T05:30Z 2026-11-02T06:30Z")]
    [InlineData("Australia/Lord_Howe", "45 1 * * *", "2026-04-04T00:00Z", "2026-04-04T14:45Z 2026-04-05T15:15Z")]
    [InlineData(
        "Africa/Casablanca",
        "30 2 * * *",
        "2026-02-14T00:00Z",
        "2026-02-14T01:30Z 2026-02-15T01:30Z 2026-02-16T02:30Z"
    )]
    // An hourly schedule follows the wall clock, not the elapsed time.
    [InlineData(
        "Europe/Berlin",
        "0 * * * *",
        "2026-10-24T23:30Z",
        "2026-10-25T00:00Z 2026-10-25T02:00Z 2026-10-25T03:00Z"
    )]
    [InlineData(
        "Europe/Berlin",
        "30 * * * *",
        "2026-03-29T00:00Z",
        "2026-03-29T00:30Z 2026-03-29T01:00Z 2026-03-29T01:30Z"
    )]
    // A start inside the repeated hour does not run its times again.
    [InlineData("Europe/Berlin", "*/30 2,3 * * *", "2026-10-25T01:10Z", "2026-10-25T02:00Z 2026-10-25T02:30Z")]
    // A day that the zone skipped completely.
    [InlineData("Pacific/Apia", "0 8 30 12 *", "2011-12-01T00:00Z", "2011-12-30T10:00Z 2012-12-29T18:00Z")]
    // No clock change, an offset with odd minutes, ends of months and the leap day.
    [InlineData("Asia/Kathmandu", "0 6 * * *", "2026-05-01T00:00Z", "2026-05-01T00:15Z 2026-05-02T00:15Z")]
    [InlineData("Asia/Kathmandu", "0 0 31 * *", "2026-02-01T00:00Z", "2026-03-30T18:15Z 2026-05-30T18:15Z")]
    [InlineData("Europe/Berlin", "0 12 29 2 *", "2026-01-01T00:00Z", "2028-02-29T11:00Z 2032-02-29T11:00Z")]
    public void A_schedule_is_due_when_the_wall_clock_first_shows_its_time(
        string zone,
        string cron,
        string from,
        string due
    )
    {
        var timetable = Make(cron, zone);
        var expected = due.Split(' ').Select(Utc).ToList();
        var last = timetable.PlaceOf(Utc(from));
        foreach (var at in expected)
        {
            last = timetable.NextAfter(last)!.Value;
            Assert.Equal(at, last.At);
            Assert.Equal(at, timetable.LatestUntil(at + Minute - TimeSpan.FromTicks(1))!.Value.At);
            Assert.NotEqual(at, timetable.LatestUntil(at - TimeSpan.FromTicks(1))!.Value.At);
        }
    }

    [LongProperty(400)]
    public void Near_clock_changes_the_timetable_equals_a_walk_through_all_minutes(DoNotSize<int> seed)
    {
        var random = new Random(seed.Item);
        var zone = TimeZones.Find(Zones[random.Next(Zones.Length)])!;
        var wish = CronWish.Make(random);
        var middle = MomentNearChange(zone, random);
        var (from, until) = (middle.AddMinutes(-random.Next(2000)), middle.AddMinutes(random.Next(2000)));
        var expected = Walk(wish, zone, from, until);
        var timetable = Make(wish.Text, zone.Id);
        var where = $"seed {seed.Item}: {wish.Text} in {zone.Id} from {from:u} to {until:u}";

        var found = new List<DateTimeOffset>();
        for (
            var next = timetable.NextAfter(timetable.PlaceOf(from));
            next?.At <= until;
            next = timetable.NextAfter(next.Value)
        )
        {
            found.Add(next.Value.At);
        }

        Assert.True(
            expected.SequenceEqual(found),
            $"{where}: expected {string.Join(' ', expected)}, found {string.Join(' ', found)}"
        );
        var moment = from.AddMinutes(random.Next((int)(until - from).TotalMinutes + 1)).AddSeconds(random.Next(60));
        var latest = timetable.LatestUntil(moment)?.At;
        var wanted = expected.Where(at => at <= moment).Cast<DateTimeOffset?>().LastOrDefault();
        Assert.True(
            wanted is null ? !(latest > from) : latest == wanted,
            $"{where}: latest until {moment:u} is {latest:u}"
        );
    }

    /// <param name="step">One zone of this many is walked.</param>
    [Theory]
    [InlineData(6)]
    [InlineData(1, Explicit = true)]
    public void Local_times_of_zones_map_to_the_moments_found_by_a_walk(int step)
    {
        var (zones, changes) = (0, 0);
        foreach (var zone in TimeZoneInfo.GetSystemTimeZones().Where((_, i) => i % step == 0))
        {
            var clock = new WallClock(zone);
            foreach (var change in Changes(zone, 2005, 2037))
            {
                changes++;
                var (from, until) = (change.AddHours(-4), change.AddHours(30));
                var shown = clock.At(from);
                for (var at = from; at <= until; at = at.AddMinutes(15))
                {
                    var now = clock.At(at);
                    for (; shown <= now; shown = shown.AddMinutes(15))
                    {
                        Assert.True(
                            clock.FirstAt(shown) == at,
                            $"{zone.Id} {shown:s}: {clock.FirstAt(shown):u}, not {at:u}"
                        );
                    }

                    var latest = shown.AddMinutes(-15);
                    Assert.True(
                        clock.LatestAt(at) - latest is { Ticks: >= 0 } gap && gap < TimeSpan.FromMinutes(15),
                        $"{zone.Id} {at:u}: {clock.LatestAt(at):s}, not {latest:s}"
                    );
                }
            }
        }

        output.WriteLine($"{changes} clock changes");
        Assert.True(
            changes > (MutationRun.IsOn ? 20 : 3000) / step,
            $"Only {changes} clock changes: is the time zone database complete?"
        );
    }

    private static Timetable Make(string cron, string zone) =>
        new(CronPatternTests.Parse(cron), new WallClock(TimeZones.Find(zone)!));

    /// <summary>
    /// Brute force: at each new wall clock time, all times since the previous one are due, skipped ones included.
    /// </summary>
    private static List<DateTimeOffset> Walk(
        CronWish wish,
        TimeZoneInfo zone,
        DateTimeOffset from,
        DateTimeOffset until
    )
    {
        var due = new List<DateTimeOffset>();
        // Starts two days earlier, to know which times were already shown.
        var at = from.AddDays(-2);
        var shown = Local(zone, at);
        for (at += Minute; at <= until; at += Minute)
        {
            var now = Local(zone, at);
            var isDue = now > shown && wish.Between(shown, now).Any();
            shown = now > shown ? now : shown;
            if (isDue && at > from)
            {
                due.Add(at);
            }
        }

        return due;
    }

    private static DateTime Local(TimeZoneInfo zone, DateTimeOffset at) => TimeZoneInfo.ConvertTime(at, zone).DateTime;

    private static DateTimeOffset MomentNearChange(TimeZoneInfo zone, Random random)
    {
        var year = random.Next(2008, 2036);
        var changes = Changes(zone, year, year + 1).ToList();
        return changes.Count > 0
            ? changes[random.Next(changes.Count)]
            : new DateTimeOffset(year, random.Next(1, 13), 1, 0, 0, 0, TimeSpan.Zero);
    }

    /// <summary>All changes of a zone's offset, exact to the minute.</summary>
    private static IEnumerable<DateTimeOffset> Changes(TimeZoneInfo zone, int fromYear, int toYear)
    {
        var end = new DateTimeOffset(toYear, 1, 1, 0, 0, 0, TimeSpan.Zero);
        for (var day = new DateTimeOffset(fromYear, 1, 1, 0, 0, 0, TimeSpan.Zero); day < end; day = day.AddDays(1))
        {
            if (zone.GetUtcOffset(day) == zone.GetUtcOffset(day.AddDays(1)))
            {
                continue;
            }

            var at = day;
            while (zone.GetUtcOffset(at) == zone.GetUtcOffset(day))
            {
                at += Minute;
            }

            yield return at;
        }
    }

    private static DateTimeOffset Utc(string text) =>
        DateTimeOffset.ParseExact(
            text,
            "yyyy-MM-dd'T'HH:mm'Z'",
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal
        );
}
