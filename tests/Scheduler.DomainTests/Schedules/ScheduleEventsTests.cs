using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Schedules;
using Xunit;

namespace Scheduler.DomainTests.Schedules;

/// <summary>The content of the events and of the stored schedules, field by field.</summary>
public sealed class ScheduleEventsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly ScheduleSpec Morning = new()
    {
        Action = ScheduleAction.Start,
        Cron = "0 8 * * *",
        TimeZone = "Europe/Berlin",
    };

    [Fact]
    public void Each_change_writes_one_event_about_its_schedule()
    {
        var set = Put(new ScheduleSet(), "morning", Morning, Noon);
        var created = Assert.Single(set.Events);
        Assert.Equal(("ScheduleCreated", "start at 0 8 * * *, Europe/Berlin"), (created.Trigger, created.Reason));
        Assert.Equal((Noon, "key:a", "req-1"), (created.At, created.Actor, created.RequestId.Value));
        Assert.Equal(
            ["action=start", "cron=0 8 * * *", "enabled=true", "schedule=morning", "time_zone=Europe/Berlin"],
            Data(created)
        );

        set = Put(set, "morning", Morning with { Action = ScheduleAction.Stop, Enabled = false }, Noon.AddHours(1));
        var updated = Assert.Single(set.Events);
        Assert.Equal(
            ("ScheduleUpdated", "stop at 0 8 * * *, Europe/Berlin, disabled"),
            (updated.Trigger, updated.Reason)
        );
        Assert.Contains("action=stop", Data(updated));
        Assert.Contains("enabled=false", Data(updated));
        Assert.True(updated.IsAbout("morning"));
        Assert.False(updated.IsAbout("evening"));

        set = ScheduleDecisions.Remove(set, "morning", TimeZones.Find, By(Noon));
        var deleted = Assert.Single(set.Events);
        Assert.Equal(("ScheduleDeleted", 3L), (deleted.Trigger, deleted.Sequence));
        Assert.True(deleted.IsAbout("morning"));
        Assert.Empty(set.Schedules);

        var forgotten = Assert.Single(ScheduleDecisions.Forget(set, By(Noon)).Events);
        Assert.Empty(forgotten.Data);
        Assert.False(forgotten.IsAbout("morning"));
    }

    [Fact]
    public void The_end_of_a_run_tells_when_it_was_due_and_why_it_was_refused()
    {
        var set = TakeUp(Put(new ScheduleSet(), "morning", Morning, Noon), Noon.AddDays(1));
        Assert.Equal(ScheduleAction.Start, set.InProgress!.Action);
        Assert.Equal(Noon.AddDays(1), set.InProgress.Since);
        var failure = new Failure { Code = FailureCode.BillingBelowMinimum };

        set = ScheduleDecisions.Conclude(
            set,
            RunOutcome.Refused,
            "too little money",
            failure,
            TimeZones.Find,
            Noon.AddDays(1).AddSeconds(3)
        );

        var ended = Assert.Single(set.Events);
        Assert.Equal(("RunRefused", "too little money"), (ended.Trigger, ended.Reason));
        Assert.Equal(FailureCode.BillingBelowMinimum, ended.Code);
        Assert.Equal("schedule:morning", ended.Actor);
        Assert.Equal(
            ["action=start", "due=2026-03-02T07:00:00Z", "due_local=2026-03-02T08:00", "schedule=morning"],
            Data(ended)
        );
        var run = set.Find("morning")!.LastRun!;
        Assert.Equal((RunOutcome.Refused, ScheduleAction.Start), (run.Outcome, run.Action));
        Assert.Equal((Noon.AddDays(1).AddSeconds(3), failure), (run.At, run.Failure));
        Assert.Equal((ended.RequestId, "too little money"), (run.RequestId, run.Reason));
        Assert.Null(run.MissedSince);
        Assert.Null(set.InProgress);

        Assert.Throws<InvalidOperationException>(() =>
            ScheduleDecisions.Conclude(set, RunOutcome.Done, "", null, TimeZones.Find, Noon)
        );
    }

    [Fact]
    public void A_run_that_succeeded_has_no_code()
    {
        var set = TakeUp(Put(new ScheduleSet(), "morning", Morning, Noon), Noon.AddDays(1));
        set = ScheduleDecisions.Conclude(set, RunOutcome.Done, "done", null, TimeZones.Find, Noon.AddDays(1));
        Assert.Equal(FailureCode.None, Assert.Single(set.Events).Code);
    }

    [Fact]
    public void Schedules_are_sorted_and_counted_and_keep_when_they_were_made()
    {
        var set = Put(new ScheduleSet(), "b", Morning, Noon);
        Assert.False(set.IsEmpty);
        set = Put(set, "c", Morning, Noon.AddMinutes(1));
        set = Put(set, "a", Morning, Noon.AddMinutes(2));
        set = Put(set, "b", Morning with { Description = "later" }, Noon.AddMinutes(3));

        Assert.Equal(["a", "b", "c"], set.Schedules.Select(schedule => schedule.Id));
        Assert.Equal([3L, 4L, 2L], set.Schedules.Select(schedule => schedule.Generation));
        Assert.Equal((4L, 4L), (set.LastGeneration, set.LastSequence));
        var changed = set.Find("b")!;
        Assert.Equal((Noon, Noon.AddMinutes(3)), (changed.CreatedAt, changed.UpdatedAt));
        Assert.Null(set.Find("B"));
        Assert.Equal(5, ScheduleDecisions.Remove(set, "a", TimeZones.Find, By(Noon)).LastSequence);
    }

    [Fact]
    public void Another_schedule_leaves_the_run_in_progress_alone()
    {
        var set = TakeUp(Put(new ScheduleSet(), "morning", Morning, Noon), Noon.AddDays(1));
        var other = Put(set, "evening", Morning with { Cron = "0 20 * * *" }, Noon.AddDays(1));
        Assert.Same(set.InProgress, other.InProgress);
        Assert.Null(Put(set, "morning", Morning with { Enabled = false }, Noon.AddDays(1)).InProgress);
        Assert.Same(
            set.InProgress,
            Put(other, "evening", Morning with { Enabled = false }, Noon.AddDays(1)).InProgress
        );
    }

    [Fact]
    public void A_new_schedule_starts_from_the_local_time_of_its_zone()
    {
        var set = Put(new ScheduleSet(), "noon", Morning with { Cron = "30 12 * * *" }, Noon);
        Assert.Equal(new Occurrence(new DateTime(2026, 3, 1, 13, 0, 0), Noon), set.Find("noon")!.DealtWith);
        Assert.Same(set, TakeUp(set, Noon));
    }

    [Fact]
    public void Of_equal_runs_at_one_time_the_last_by_id_is_done()
    {
        var set = Put(Put(new ScheduleSet(), "b", Morning, Noon), "a", Morning, Noon);
        Assert.Equal("b", TakeUp(set, Noon.AddDays(1)).InProgress!.Schedule);
    }

    [Fact]
    public void Every_run_that_gives_way_has_its_event_the_one_in_progress_first()
    {
        var set = Put(new ScheduleSet(), "z-first", Morning, Noon);
        set = TakeUp(set, Noon.AddDays(1).AddHours(-4));
        Assert.Equal("z-first", set.InProgress!.Schedule);
        foreach (var (id, hour) in new[] { ("a", 10), ("b", 11), ("c", 12) })
        {
            set = Put(set, id, Morning with { Cron = $"0 {hour} * * *" }, Noon.AddDays(1).AddHours(-4));
        }

        var sequence = set.LastSequence;
        set = TakeUp(set, Noon.AddDays(1));

        Assert.Equal("c", set.InProgress!.Schedule);
        Assert.Equal(["z-first", "a", "b"], set.Events.Select(happened => happened.Data["schedule"]));
        Assert.Equal([1L, 2L, 3L], set.Events.Select(happened => happened.Sequence - sequence));
        Assert.Equal(sequence + 3, set.LastSequence);
        Assert.All(
            new[] { "z-first", "a", "b" },
            id => Assert.Equal(RunOutcome.Superseded, set.Find(id)!.LastRun!.Outcome)
        );
        Assert.Null(set.Find("c")!.LastRun);
    }

    [Fact]
    public void The_agenda_wakes_for_the_run_in_progress_unless_another_is_due_before()
    {
        var every = Morning with { Cron = "* * * * *" };
        var set = TakeUp(Put(new ScheduleSet(), "s", every, Noon), Noon.AddMinutes(1));
        var due = Noon.AddMinutes(2);
        foreach (var (before, wake) in new[] { (6, -1), (5, 0), (4, 0) })
        {
            var now = due.AddSeconds(-before);
            Assert.Equal(due.AddSeconds(wake), ScheduleDecisions.NextWake(set, TimeZones.Find, now));
        }

        set = ScheduleDecisions.Conclude(set, RunOutcome.Done, "", null, TimeZones.Find, Noon.AddMinutes(1));
        Assert.Equal(due, ScheduleDecisions.NextWake(set, TimeZones.Find, due.AddSeconds(-50)));
        Assert.Null(ScheduleDecisions.NextWake(new ScheduleSet(), TimeZones.Find, Noon));
    }

    [Fact]
    public void The_first_of_all_schedules_wakes()
    {
        var set = Put(new ScheduleSet(), "late", Morning with { Cron = "0 20 * * *" }, Noon);
        set = Put(set, "early", Morning with { Cron = "0 15 * * *" }, Noon);
        set = Put(set, "off", Morning with { Cron = "0 14 * * *", Enabled = false }, Noon);
        Assert.Equal(Noon.AddHours(2), set.WakeAt);
    }

    [Theory]
    [InlineData("other cron", true)]
    [InlineData("other zone", true)]
    [InlineData("disabled", true)]
    [InlineData("other action", false)]
    [InlineData("other text", false)]
    public void Only_what_moves_the_times_makes_other_times(string change, bool hasOther)
    {
        var other = change switch
        {
            "other cron" => Morning with { Cron = "0 9 * * *" },
            "other zone" => Morning with { TimeZone = "UTC" },
            "disabled" => Morning with { Enabled = false },
            "other action" => Morning with { Action = ScheduleAction.Stop },
            _ => Morning with { Description = "x" },
        };
        Assert.Equal(hasOther, Morning.HasOtherTimesThan(other));
        Assert.Equal(hasOther, other.HasOtherTimesThan(Morning));
    }

    [Fact]
    public void A_spec_has_a_timetable_only_with_a_known_zone_and_a_valid_pattern()
    {
        Assert.NotNull(Morning.TimetableIn(TimeZones.Find));
        Assert.Null(Morning.TimetableIn(_ => null));
        Assert.Null((Morning with { Cron = "x" }).TimetableIn(TimeZones.Find));
    }

    [Fact]
    public void A_new_schedule_in_an_unknown_zone_starts_from_now()
    {
        var set = ScheduleDecisions.Put(new ScheduleSet(), "s", Morning, _ => null, By(Noon));
        Assert.Equal(new Occurrence(new DateTime(2026, 3, 1, 12, 0, 0), Noon), set.Find("s")!.DealtWith);
        Assert.Equal(Noon.AddHours(1), set.WakeAt);
    }

    [Theory]
    [InlineData(256, 64, "")]
    [InlineData(257, 64, "description")]
    [InlineData(256, 65, "time_zone")]
    [InlineData(0, 0, "time_zone")]
    public void Texts_are_accepted_up_to_their_limits(int description, int zone, string field)
    {
        var spec = Morning with { Description = new string('x', description), TimeZone = new string('z', zone) };
        var faults = ScheduleValidation.FaultsOf(spec, _ => TimeZoneInfo.Utc).Select(fault => fault.Field);
        Assert.Equal(field.Length == 0 ? [] : [field], faults);
    }

    [Fact]
    public void A_text_of_more_than_one_line_is_refused()
    {
        var spec = Morning with { Description = "two\nlines", TimeZone = "Europe\nBerlin" };
        var faults = ScheduleValidation.FaultsOf(spec, _ => TimeZoneInfo.Utc).ToList();
        Assert.Equal(["time_zone", "description"], faults.Select(fault => fault.Field));
        Assert.DoesNotContain("Europe\n", faults[0].Description, StringComparison.Ordinal);
    }

    private static string[] Data(StoredEvent happened) => [.. happened.Data.Select(pair => $"{pair.Key}={pair.Value}")];

    private static ScheduleSet Put(ScheduleSet set, string id, ScheduleSpec spec, DateTimeOffset now) =>
        ScheduleDecisions.Put(set, id, spec, TimeZones.Find, By(now));

    private static ScheduleSet TakeUp(ScheduleSet set, DateTimeOffset now) =>
        ScheduleDecisions.TakeUp(set, TimeZones.Find, now);

    private static Cause By(DateTimeOffset now) => new(now, new RequestId("req-1"), "key:a");
}
