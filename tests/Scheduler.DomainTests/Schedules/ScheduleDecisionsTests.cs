using FsCheck;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Schedules;
using Xunit;

namespace Scheduler.DomainTests.Schedules;

public sealed class ScheduleDecisionsTests
{
    private const string Daily = "0 8 * * *";

    /// <summary>Noon of a Sunday.</summary>
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly ScheduleBook Empty = new()
    {
        Instance = new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"),
        Account = new AccountId("acct-a"),
    };

    [Fact]
    public void What_was_due_before_a_schedule_was_made_is_none_of_its_business()
    {
        var book = Put(Empty, "morning", Daily, Noon);
        Assert.Same(book, TakeUp(book, Noon));
        Assert.Equal(Noon.AddHours(20), book.WakeAt);
        Assert.Equal("ScheduleCreated", Assert.Single(book.Events).Trigger);
    }

    [Fact]
    public void What_is_due_is_taken_up_once()
    {
        var book = Put(Empty, "morning", Daily, Noon);
        var due = Noon.AddHours(20);
        Assert.Same(book, TakeUp(book, due.AddTicks(-1)));

        book = TakeUp(book, due);
        var run = book.UnderWay!;
        Assert.Equal((due, new DateTime(2026, 3, 2, 8, 0, 0)), (run.Due.At, run.Due.Local));
        Assert.Equal("req-i-aaaaaaaaaaaaaaaaaaaa-morning-1-20260302T0800", run.RequestId.Value);
        Assert.Null(run.MissedSince);
        Assert.Equal(due + ScheduleDecisions.TryAgainAfter, book.WakeAt);
        Assert.Same(book, TakeUp(book, due.AddHours(1)));

        book = Done(book, due);
        Assert.Equal(
            (RunOutcome.Done, due),
            (book.Find("morning")!.LastRun!.Outcome, book.Find("morning")!.LastRun!.Due.At)
        );
        Assert.Equal(due.AddDays(1), book.WakeAt);
        Assert.Equal(("RunDone", "schedule:morning", 2L), Told(book));
        Assert.Same(book, TakeUp(book, due.AddHours(1)));
    }

    [Fact]
    public void Of_what_was_missed_the_latest_is_done_and_the_first_is_told()
    {
        var book = TakeUp(Put(Empty, "morning", Daily, Noon), Noon.AddDays(10));
        Assert.Equal(new DateTime(2026, 3, 11, 8, 0, 0), book.UnderWay!.Due.Local);
        Assert.Equal(Noon.AddHours(20), book.UnderWay.MissedSince);
        book = Done(book, Noon.AddDays(10));
        Assert.Equal("2026-03-02T08:00:00Z", book.Events[0].Data["missed_since"]);
        Assert.Same(book, TakeUp(book, Noon.AddDays(10).AddHours(1)));
    }

    [Fact]
    public void Of_several_due_together_the_latest_is_done_and_the_others_say_so()
    {
        var book = Put(Put(Empty, "on", Daily, Noon), "off", "0 18 * * *", Noon, ScheduleAction.Stop);
        book = TakeUp(book, Noon.AddDays(1));
        Assert.Equal("on", book.UnderWay!.Schedule);
        Assert.Equal(("RunSuperseded", "schedule:off", 3L), Told(book));
        Assert.Equal(RunOutcome.Superseded, book.Find("off")!.LastRun!.Outcome);
        Assert.Null(book.Find("on")!.LastRun);
    }

    [Fact]
    public void Of_one_moment_a_stop_is_done_rather_than_a_start()
    {
        var book = Put(Put(Empty, "a-stop", Daily, Noon, ScheduleAction.Stop), "b-start", Daily, Noon);
        Assert.Equal("a-stop", TakeUp(book, Noon.AddDays(1)).UnderWay!.Schedule);
    }

    [Fact]
    public void A_run_still_under_way_gives_way_to_one_that_comes_due()
    {
        var book = Put(Put(Empty, "on", Daily, Noon), "off", "5 8 * * *", Noon, ScheduleAction.Stop);
        book = TakeUp(book, Noon.AddHours(20));
        Assert.Equal("on", book.UnderWay!.Schedule);
        book = TakeUp(book, Noon.AddHours(20).AddMinutes(5));
        Assert.Equal("off", book.UnderWay!.Schedule);
        Assert.Equal(RunOutcome.Superseded, book.Find("on")!.LastRun!.Outcome);
    }

    [Fact]
    public void A_disabled_schedule_waits_for_nothing_and_begins_anew_when_it_is_enabled()
    {
        var off = Spec(Daily) with { Enabled = false };
        var book = Put(Empty, "morning", off, Noon);
        Assert.Null(book.WakeAt);
        Assert.Same(book, TakeUp(book, Noon.AddDays(3)));

        book = Put(book, "morning", Spec(Daily), Noon.AddDays(3));
        Assert.Same(book, TakeUp(book, Noon.AddDays(3).AddHours(1)));
        Assert.Equal(Noon.AddDays(3).AddHours(20), book.WakeAt);
        Assert.Equal(2, book.Find("morning")!.Generation);
    }

    [Fact]
    public void What_is_under_way_ends_with_its_schedule_and_not_with_another()
    {
        var book = Put(Put(Empty, "a", Daily, Noon), "b", "0 9 * * *", Noon);
        book = TakeUp(book, Noon.AddHours(20));
        Assert.NotNull(ScheduleDecisions.Remove(book, "b", TimeZones.Find, By(Noon)).UnderWay);
        Assert.Null(ScheduleDecisions.Remove(book, "a", TimeZones.Find, By(Noon)).UnderWay);
        Assert.NotNull(Put(book, "a", Spec(Daily) with { Description = "why" }, Noon.AddHours(20)).UnderWay);
        Assert.Null(Put(book, "a", Spec(Daily) with { Enabled = false }, Noon.AddHours(20)).UnderWay);
    }

    [Fact]
    public void A_new_description_changes_nothing_of_what_is_due()
    {
        var book = Put(Empty, "morning", Daily, Noon);
        book = Put(book, "morning", Spec(Daily) with { Description = "coffee" }, Noon.AddDays(1));
        Assert.Equal(Noon.AddHours(20), TakeUp(book, Noon.AddDays(1)).UnderWay!.Due.At);
    }

    [Fact]
    public void A_schedule_made_again_is_not_taken_for_the_one_before()
    {
        var book = Put(Empty, "morning", Daily, Noon);
        var first = TakeUp(book, Noon.AddDays(1)).UnderWay!.RequestId;
        book = ScheduleDecisions.Remove(book, "morning", TimeZones.Find, By(Noon));
        book = Put(book, "morning", Daily, Noon);
        Assert.NotEqual(first, TakeUp(book, Noon.AddDays(1)).UnderWay!.RequestId);
    }

    [Fact]
    public void With_its_instance_everything_ends()
    {
        var book = TakeUp(Put(Empty, "morning", Daily, Noon), Noon.AddDays(1));
        book = ScheduleDecisions.Forget(book, By(Noon.AddDays(1)));
        Assert.True(book.IsEmpty);
        Assert.Null(book.UnderWay);
        Assert.Null(book.WakeAt);
        Assert.Equal("InstanceDeleted", Assert.Single(book.Events).Trigger);
    }

    [Fact]
    public void A_zone_the_host_does_not_know_is_waited_for()
    {
        var book = Put(Empty, "morning", Daily, Noon);
        var later = Noon.AddDays(2);
        Assert.Same(book, ScheduleDecisions.TakeUp(book, _ => null, later));
        Assert.Equal(later.AddHours(1), ScheduleDecisions.NextWake(book, _ => null, later));
        Assert.NotNull(TakeUp(book, later).UnderWay);
    }

    [Fact]
    public void A_clock_set_back_repeats_nothing()
    {
        var book = Done(TakeUp(Put(Empty, "morning", Daily, Noon), Noon.AddHours(20)), Noon.AddHours(20));
        Assert.Same(book, TakeUp(book, Noon.AddHours(19)));
        Assert.Same(book, TakeUp(book, Noon.AddHours(20)));
        Assert.Same(book, TakeUp(book, Noon.AddHours(43)));
        Assert.NotSame(book, TakeUp(book, Noon.AddHours(44)));
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    public void New_time_zone_data_repeats_and_loses_no_local_time(int before, int after)
    {
        var book = ScheduleDecisions.Put(Empty, "morning", Spec(Daily) with { TimeZone = "X" }, Zone(before), By(Noon));
        var days = new List<DateTime>();
        for (var at = Noon; at < Noon.AddDays(6); at = at.AddMinutes(10))
        {
            // The rules change in the forenoon of the third day, just when it is eight o'clock by one of them.
            var zone = at < new DateTimeOffset(2026, 3, 4, 6, 30, 0, TimeSpan.Zero) ? Zone(before) : Zone(after);
            var next = ScheduleDecisions.TakeUp(book, zone, at);
            if (next != book)
            {
                days.Add(next.UnderWay!.Due.Local);
                next = ScheduleDecisions.Conclude(next, RunOutcome.Done, "", null, zone, at);
            }

            book = next;
        }

        Assert.Equal(Enumerable.Range(2, 6).Select(day => new DateTime(2026, 3, day, 8, 0, 0)).Take(days.Count), days);
        Assert.Equal(6, days.Count);
    }

    [LongProperty(300)]
    public void Whatever_the_clock_does_no_local_time_is_done_twice_and_none_that_is_not_the_latest(DoNotSize<int> seed)
    {
        var random = new Random(seed.Item);
        var zone = random.Next(2) == 0 ? "Europe/Berlin" : "Australia/Lord_Howe";
        var wish = CronWish.Make(random);
        var spec = Spec(wish.Text) with { TimeZone = zone };
        var now = new DateTimeOffset(2026, random.Next(2) == 0 ? 3 : 10, 20, 0, 0, 0, TimeSpan.Zero).AddHours(
            random.Next(400)
        );
        var book = Put(Empty, "s", spec, now);
        var table = spec.TimetableIn(TimeZones.Find)!;
        var done = new HashSet<DateTime>();
        for (var step = 0; step < 60; step++)
        {
            now = now.AddMinutes(random.Next(5) == 0 ? -random.Next(300) : random.Next(600));
            var next = TakeUp(book, now);
            if (next.UnderWay is { } run && next != book)
            {
                Assert.True(done.Add(run.Due.Local), $"seed {seed.Item}: {wish.Text} did {run.Due.Local:s} twice");
                Assert.Equal(table.LatestUntil(now), run.Due);
                Assert.True(run.Due.At <= now);
            }
            else
            {
                // Nothing was due that is not dealt with.
                var place = book.Find("s")!.DealtWith;
                Assert.False(table.NextAfter(place)?.At <= now, $"seed {seed.Item}: {wish.Text} forgot one at {now:u}");
            }

            // Or it crashes before that is recorded, and is still under way.
            book = next.UnderWay is not null && random.Next(4) > 0 ? Done(next, now) : next;
            Assert.True(
                book.UnderWay is not null || book.WakeAt is null || book.WakeAt > now || now < book.Find("s")!.UpdatedAt
            );
        }
    }

    [Fact]
    public void Every_fault_of_a_spec_is_told_at_once()
    {
        var spec = new ScheduleSpec
        {
            Cron = "0 25 * * *",
            TimeZone = "Mars/Base",
            Description = new string('x', 300),
        };
        var faults = ScheduleChecks.FaultsOf(spec, TimeZones.Find).ToList();
        Assert.Equal(["action", "cron", "time_zone", "description"], faults.Select(fault => fault.Field));
        Assert.Contains("'Mars/Base'", faults[2].Description, StringComparison.Ordinal);
        Assert.Contains("Europe/Berlin", faults[2].Description, StringComparison.Ordinal);
        Assert.Empty(ScheduleChecks.FaultsOf(Spec(Daily), TimeZones.Find));
    }

    private static (string, string, long) Told(ScheduleBook book)
    {
        var told = Assert.Single(book.Events);
        Assert.Equal(book.LastSequence, told.Sequence);
        return (told.Trigger, told.Actor, told.Sequence);
    }

    private static Func<string, TimeZoneInfo?> Zone(int hours) =>
        name => TimeZoneInfo.CreateCustomTimeZone(name, TimeSpan.FromHours(hours), name, name);

    private static ScheduleSpec Spec(string cron) =>
        new()
        {
            Action = ScheduleAction.Start,
            Cron = cron,
            TimeZone = "UTC",
        };

    private static ScheduleBook Put(
        ScheduleBook book,
        string id,
        string cron,
        DateTimeOffset now,
        ScheduleAction action = ScheduleAction.Start
    ) => Put(book, id, Spec(cron) with { Action = action }, now);

    private static ScheduleBook Put(ScheduleBook book, string id, ScheduleSpec spec, DateTimeOffset now) =>
        ScheduleDecisions.Put(book, id, spec, TimeZones.Find, By(now));

    private static ScheduleBook TakeUp(ScheduleBook book, DateTimeOffset now) =>
        ScheduleDecisions.TakeUp(book, TimeZones.Find, now);

    private static ScheduleBook Done(ScheduleBook book, DateTimeOffset now) =>
        ScheduleDecisions.Conclude(book, RunOutcome.Done, "done", null, TimeZones.Find, now);

    private static Cause By(DateTimeOffset now) => new(now, new RequestId("req-1"), "key:a");
}
