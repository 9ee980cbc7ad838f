using FsCheck;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Schedules;
using Xunit;

namespace Scheduler.DomainTests.Schedules;

public sealed class ScheduleDecisionsTests
{
    private const string Daily = "0 8 * * *";

    /// <summary>A Sunday.</summary>
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly ScheduleSet Empty = new()
    {
        Instance = new InstanceId("i-aaaaaaaaaaaaaaaaaaaa"),
        Account = new AccountId("acct-a"),
    };

    [Fact]
    public void Times_before_the_creation_of_a_schedule_are_not_due()
    {
        var set = Put(Empty, "morning", Daily, Noon);
        Assert.Same(set, TakeUp(set, Noon));
        Assert.Equal(Noon.AddHours(20), set.WakeAt);
        Assert.Equal("ScheduleCreated", Assert.Single(set.Events).Trigger);
    }

    [Fact]
    public void A_due_run_is_started_once()
    {
        var set = Put(Empty, "morning", Daily, Noon);
        var due = Noon.AddHours(20);
        Assert.Same(set, TakeUp(set, due.AddTicks(-1)));

        set = TakeUp(set, due);
        var run = set.InProgress!;
        Assert.Equal((due, new DateTime(2026, 3, 2, 8, 0, 0)), (run.Due.At, run.Due.Local));
        Assert.Equal("req-i-aaaaaaaaaaaaaaaaaaaa-morning-1-20260302T0800", run.RequestId.Value);
        Assert.Null(run.MissedSince);
        Assert.Equal(due + ScheduleDecisions.TryAgainAfter, set.WakeAt);
        Assert.Same(set, TakeUp(set, due.AddHours(1)));

        set = Done(set, due);
        Assert.Equal(
            (RunOutcome.Done, due),
            (set.Find("morning")!.LastRun!.Outcome, set.Find("morning")!.LastRun!.Due.At)
        );
        Assert.Equal(due.AddDays(1), set.WakeAt);
        Assert.Equal(("RunDone", "schedule:morning", 2L), SingleEvent(set));
        Assert.Same(set, TakeUp(set, due.AddHours(1)));
    }

    [Fact]
    public void Only_the_latest_missed_run_is_done_and_the_first_missed_time_is_recorded()
    {
        var set = TakeUp(Put(Empty, "morning", Daily, Noon), Noon.AddDays(10));
        Assert.Equal(new DateTime(2026, 3, 11, 8, 0, 0), set.InProgress!.Due.Local);
        Assert.Equal(Noon.AddHours(20), set.InProgress.MissedSince);
        set = Done(set, Noon.AddDays(10));
        Assert.Equal("2026-03-02T08:00:00Z", set.Events[0].Data["missed_since"]);
        Assert.Same(set, TakeUp(set, Noon.AddDays(10).AddHours(1)));
    }

    [Fact]
    public void Of_several_due_schedules_the_latest_runs_and_the_others_are_superseded()
    {
        var set = Put(Put(Empty, "on", Daily, Noon), "off", "0 18 * * *", Noon, ScheduleAction.Stop);
        set = TakeUp(set, Noon.AddDays(1));
        Assert.Equal("on", set.InProgress!.Schedule);
        Assert.Equal(("RunSuperseded", "schedule:off", 3L), SingleEvent(set));
        Assert.Equal(RunOutcome.Superseded, set.Find("off")!.LastRun!.Outcome);
        Assert.Null(set.Find("on")!.LastRun);
    }

    [Fact]
    public void At_the_same_time_a_stop_wins_over_a_start()
    {
        var set = Put(Put(Empty, "a-stop", Daily, Noon, ScheduleAction.Stop), "b-start", Daily, Noon);
        Assert.Equal("a-stop", TakeUp(set, Noon.AddDays(1)).InProgress!.Schedule);
    }

    [Fact]
    public void A_newly_due_run_supersedes_the_run_in_progress()
    {
        var set = Put(Put(Empty, "on", Daily, Noon), "off", "5 8 * * *", Noon, ScheduleAction.Stop);
        set = TakeUp(set, Noon.AddHours(20));
        Assert.Equal("on", set.InProgress!.Schedule);
        set = TakeUp(set, Noon.AddHours(20).AddMinutes(5));
        Assert.Equal("off", set.InProgress!.Schedule);
        Assert.Equal(RunOutcome.Superseded, set.Find("on")!.LastRun!.Outcome);
    }

    [Fact]
    public void A_disabled_schedule_never_runs_and_missed_times_are_not_made_up()
    {
        var off = Spec(Daily) with { Enabled = false };
        var set = Put(Empty, "morning", off, Noon);
        Assert.Null(set.WakeAt);
        Assert.Same(set, TakeUp(set, Noon.AddDays(3)));

        set = Put(set, "morning", Spec(Daily), Noon.AddDays(3));
        Assert.Same(set, TakeUp(set, Noon.AddDays(3).AddHours(1)));
        Assert.Equal(Noon.AddDays(3).AddHours(20), set.WakeAt);
        Assert.Equal(2, set.Find("morning")!.Generation);
    }

    [Fact]
    public void A_run_in_progress_ends_only_with_its_own_schedule()
    {
        var set = Put(Put(Empty, "a", Daily, Noon), "b", "0 9 * * *", Noon);
        set = TakeUp(set, Noon.AddHours(20));
        Assert.NotNull(ScheduleDecisions.Remove(set, "b", TimeZones.Find, By(Noon)).InProgress);
        Assert.Null(ScheduleDecisions.Remove(set, "a", TimeZones.Find, By(Noon)).InProgress);
        Assert.NotNull(Put(set, "a", Spec(Daily) with { Description = "why" }, Noon.AddHours(20)).InProgress);
        Assert.Null(Put(set, "a", Spec(Daily) with { Enabled = false }, Noon.AddHours(20)).InProgress);
    }

    [Fact]
    public void A_new_description_does_not_change_due_runs()
    {
        var set = Put(Empty, "morning", Daily, Noon);
        set = Put(set, "morning", Spec(Daily) with { Description = "coffee" }, Noon.AddDays(1));
        Assert.Equal(Noon.AddHours(20), TakeUp(set, Noon.AddDays(1)).InProgress!.Due.At);
    }

    [Fact]
    public void A_recreated_schedule_gets_new_request_ids()
    {
        var set = Put(Empty, "morning", Daily, Noon);
        var first = TakeUp(set, Noon.AddDays(1)).InProgress!.RequestId;
        set = ScheduleDecisions.Remove(set, "morning", TimeZones.Find, By(Noon));
        set = Put(set, "morning", Daily, Noon);
        Assert.NotEqual(first, TakeUp(set, Noon.AddDays(1)).InProgress!.RequestId);
    }

    [Fact]
    public void Deleting_the_instance_removes_all_its_schedules()
    {
        var set = TakeUp(Put(Empty, "morning", Daily, Noon), Noon.AddDays(1));
        set = ScheduleDecisions.Forget(set, By(Noon.AddDays(1)));
        Assert.True(set.IsEmpty);
        Assert.Null(set.InProgress);
        Assert.Null(set.WakeAt);
        Assert.Equal("InstanceDeleted", Assert.Single(set.Events).Trigger);
    }

    [Fact]
    public void A_time_zone_unknown_to_the_host_delays_the_run()
    {
        var set = Put(Empty, "morning", Daily, Noon);
        var later = Noon.AddDays(2);
        Assert.Same(set, ScheduleDecisions.TakeUp(set, _ => null, later));
        Assert.Equal(later.AddHours(1), ScheduleDecisions.NextWake(set, _ => null, later));
        Assert.NotNull(TakeUp(set, later).InProgress);
    }

    [Fact]
    public void A_clock_set_back_repeats_no_run()
    {
        var set = Done(TakeUp(Put(Empty, "morning", Daily, Noon), Noon.AddHours(20)), Noon.AddHours(20));
        Assert.Same(set, TakeUp(set, Noon.AddHours(19)));
        Assert.Same(set, TakeUp(set, Noon.AddHours(20)));
        Assert.Same(set, TakeUp(set, Noon.AddHours(43)));
        Assert.NotSame(set, TakeUp(set, Noon.AddHours(44)));
    }

    [Theory]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    public void New_time_zone_data_repeats_and_loses_no_local_time(int before, int after)
    {
        var set = ScheduleDecisions.Put(Empty, "morning", Spec(Daily) with { TimeZone = "X" }, Zone(before), By(Noon));
        var days = new List<DateTime>();
        for (var at = Noon; at < Noon.AddDays(6); at = at.AddMinutes(10))
        {
            // The rules change on the morning of the third day, while it is about eight o'clock by one of them.
            var zone = at < new DateTimeOffset(2026, 3, 4, 6, 30, 0, TimeSpan.Zero) ? Zone(before) : Zone(after);
            var next = ScheduleDecisions.TakeUp(set, zone, at);
            if (next != set)
            {
                days.Add(next.InProgress!.Due.Local);
                next = ScheduleDecisions.Conclude(next, RunOutcome.Done, "", null, zone, at);
            }

            set = next;
        }

        Assert.Equal(Enumerable.Range(2, 6).Select(day => new DateTime(2026, 3, day, 8, 0, 0)).Take(days.Count), days);
        Assert.Equal(6, days.Count);
    }

    [LongProperty(300)]
    public void With_any_clock_only_the_latest_local_time_runs_and_never_twice(DoNotSize<int> seed)
    {
        var random = new Random(seed.Item);
        var zone = random.Next(2) == 0 ? "Europe/Berlin" : "Australia/Lord_Howe";
        var wish = CronWish.Make(random);
        var spec = Spec(wish.Text) with { TimeZone = zone };
        var now = new DateTimeOffset(2026, random.Next(2) == 0 ? 3 : 10, 20, 0, 0, 0, TimeSpan.Zero).AddHours(
            random.Next(400)
        );
        var set = Put(Empty, "s", spec, now);
        var table = spec.TimetableIn(TimeZones.Find)!;
        var done = new HashSet<DateTime>();
        for (var step = 0; step < 60; step++)
        {
            now = now.AddMinutes(random.Next(5) == 0 ? -random.Next(300) : random.Next(600));
            var next = TakeUp(set, now);
            if (next.InProgress is { } run && next != set)
            {
                Assert.True(done.Add(run.Due.Local), $"seed {seed.Item}: {wish.Text} ran {run.Due.Local:s} twice");
                Assert.Equal(table.LatestUntil(now), run.Due);
                Assert.True(run.Due.At <= now);
            }
            else
            {
                // No due time is left over.
                var place = set.Find("s")!.DealtWith;
                Assert.False(
                    table.NextAfter(place)?.At <= now,
                    $"seed {seed.Item}: {wish.Text} skipped a due run at {now:u}"
                );
            }

            // In one of four cases a crash loses the result, and the run stays in progress.
            set = next.InProgress is not null && random.Next(4) > 0 ? Done(next, now) : next;
            Assert.True(
                set.InProgress is not null || set.WakeAt is null || set.WakeAt > now || now < set.Find("s")!.UpdatedAt
            );
        }
    }

    [Fact]
    public void All_errors_of_a_spec_are_reported_at_once()
    {
        var spec = new ScheduleSpec
        {
            Cron = "0 25 * * *",
            TimeZone = "Mars/Base",
            Description = new string('x', 300),
        };
        var faults = ScheduleValidation.FaultsOf(spec, TimeZones.Find).ToList();
        Assert.Equal(["action", "cron", "time_zone", "description"], faults.Select(fault => fault.Field));
        Assert.Contains("'Mars/Base'", faults[2].Description, StringComparison.Ordinal);
        Assert.Contains("Europe/Berlin", faults[2].Description, StringComparison.Ordinal);
        Assert.Empty(ScheduleValidation.FaultsOf(Spec(Daily), TimeZones.Find));
    }

    private static (string, string, long) SingleEvent(ScheduleSet set)
    {
        var stored = Assert.Single(set.Events);
        Assert.Equal(set.LastSequence, stored.Sequence);
        return (stored.Trigger, stored.Actor, stored.Sequence);
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

    private static ScheduleSet Put(
        ScheduleSet set,
        string id,
        string cron,
        DateTimeOffset now,
        ScheduleAction action = ScheduleAction.Start
    ) => Put(set, id, Spec(cron) with { Action = action }, now);

    private static ScheduleSet Put(ScheduleSet set, string id, ScheduleSpec spec, DateTimeOffset now) =>
        ScheduleDecisions.Put(set, id, spec, TimeZones.Find, By(now));

    private static ScheduleSet TakeUp(ScheduleSet set, DateTimeOffset now) =>
        ScheduleDecisions.TakeUp(set, TimeZones.Find, now);

    private static ScheduleSet Done(ScheduleSet set, DateTimeOffset now) =>
        ScheduleDecisions.Conclude(set, RunOutcome.Done, "done", null, TimeZones.Find, now);

    private static Cause By(DateTimeOffset now) => new(now, new RequestId("req-1"), "key:a");
}
