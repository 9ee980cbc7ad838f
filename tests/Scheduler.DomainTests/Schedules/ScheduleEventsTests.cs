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
        var book = Put(new ScheduleBook(), "morning", Morning, Noon);
        var created = Assert.Single(book.Events);
        Assert.Equal(("ScheduleCreated", "start at 0 8 * * *, Europe/Berlin"), (created.Trigger, created.Reason));
        Assert.Equal((Noon, "key:a", "req-1"), (created.At, created.Actor, created.RequestId.Value));
        Assert.Equal(
            ["action=start", "cron=0 8 * * *", "enabled=true", "schedule=morning", "time_zone=Europe/Berlin"],
            Data(created)
        );

        book = Put(book, "morning", Morning with { Action = ScheduleAction.Stop, Enabled = false }, Noon.AddHours(1));
        var updated = Assert.Single(book.Events);
        Assert.Equal(
            ("ScheduleUpdated", "stop at 0 8 * * *, Europe/Berlin, disabled"),
            (updated.Trigger, updated.Reason)
        );
        Assert.Contains("action=stop", Data(updated));
        Assert.Contains("enabled=false", Data(updated));
        Assert.True(updated.IsAbout("morning"));
        Assert.False(updated.IsAbout("evening"));

        book = ScheduleDecisions.Remove(book, "morning", TimeZones.Find, By(Noon));
        var deleted = Assert.Single(book.Events);
        Assert.Equal(("ScheduleDeleted", 3L), (deleted.Trigger, deleted.Sequence));
        Assert.True(deleted.IsAbout("morning"));
        Assert.Empty(book.Schedules);

        var forgotten = Assert.Single(ScheduleDecisions.Forget(book, By(Noon)).Events);
        Assert.Empty(forgotten.Data);
        Assert.False(forgotten.IsAbout("morning"));
    }

    [Fact]
    public void The_end_of_a_run_tells_when_it_was_due_and_why_it_was_refused()
    {
        var book = TakeUp(Put(new ScheduleBook(), "morning", Morning, Noon), Noon.AddDays(1));
        Assert.Equal(ScheduleAction.Start, book.UnderWay!.Action);
        Assert.Equal(Noon.AddDays(1), book.UnderWay.Since);
        var failure = new Failure { Code = FailureCode.BillingBelowMinimum };

        book = ScheduleDecisions.Conclude(
            book,
            RunOutcome.Refused,
            "too little money",
            failure,
            TimeZones.Find,
            Noon.AddDays(1).AddSeconds(3)
        );

        var ended = Assert.Single(book.Events);
        Assert.Equal(("RunRefused", "too little money"), (ended.Trigger, ended.Reason));
        Assert.Equal(FailureCode.BillingBelowMinimum, ended.Code);
        Assert.Equal("schedule:morning", ended.Actor);
        Assert.Equal(
            ["action=start", "due=2026-03-02T07:00:00Z", "due_local=2026-03-02T08:00", "schedule=morning"],
            Data(ended)
        );
        var run = book.Find("morning")!.LastRun!;
        Assert.Equal((RunOutcome.Refused, ScheduleAction.Start), (run.Outcome, run.Action));
        Assert.Equal((Noon.AddDays(1).AddSeconds(3), failure), (run.At, run.Failure));
        Assert.Equal((ended.RequestId, "too little money"), (run.RequestId, run.Reason));
        Assert.Null(run.MissedSince);
        Assert.Null(book.UnderWay);

        Assert.Throws<InvalidOperationException>(() =>
            ScheduleDecisions.Conclude(book, RunOutcome.Done, "", null, TimeZones.Find, Noon)
        );
    }

    [Fact]
    public void A_run_that_succeeded_has_no_code()
    {
        var book = TakeUp(Put(new ScheduleBook(), "morning", Morning, Noon), Noon.AddDays(1));
        book = ScheduleDecisions.Conclude(book, RunOutcome.Done, "done", null, TimeZones.Find, Noon.AddDays(1));
        Assert.Equal(FailureCode.None, Assert.Single(book.Events).Code);
    }

    [Fact]
    public void Schedules_are_sorted_and_counted_and_keep_when_they_were_made()
    {
        var book = Put(new ScheduleBook(), "b", Morning, Noon);
        Assert.False(book.IsEmpty);
        book = Put(book, "c", Morning, Noon.AddMinutes(1));
        book = Put(book, "a", Morning, Noon.AddMinutes(2));
        book = Put(book, "b", Morning with { Description = "later" }, Noon.AddMinutes(3));

        Assert.Equal(["a", "b", "c"], book.Schedules.Select(schedule => schedule.Id));
        Assert.Equal([3L, 4L, 2L], book.Schedules.Select(schedule => schedule.Generation));
        Assert.Equal((4L, 4L), (book.LastGeneration, book.LastSequence));
        var changed = book.Find("b")!;
        Assert.Equal((Noon, Noon.AddMinutes(3)), (changed.CreatedAt, changed.UpdatedAt));
        Assert.Null(book.Find("B"));
        Assert.Equal(5, ScheduleDecisions.Remove(book, "a", TimeZones.Find, By(Noon)).LastSequence);
    }

    [Fact]
    public void Another_schedule_leaves_the_run_in_progress_alone()
    {
        var book = TakeUp(Put(new ScheduleBook(), "morning", Morning, Noon), Noon.AddDays(1));
        var other = Put(book, "evening", Morning with { Cron = "0 20 * * *" }, Noon.AddDays(1));
        Assert.Same(book.UnderWay, other.UnderWay);
        Assert.Null(Put(book, "morning", Morning with { Enabled = false }, Noon.AddDays(1)).UnderWay);
        Assert.Same(book.UnderWay, Put(other, "evening", Morning with { Enabled = false }, Noon.AddDays(1)).UnderWay);
    }

    [Fact]
    public void A_new_schedule_starts_from_the_local_time_of_its_zone()
    {
        var book = Put(new ScheduleBook(), "noon", Morning with { Cron = "30 12 * * *" }, Noon);
        Assert.Equal(new Occurrence(new DateTime(2026, 3, 1, 13, 0, 0), Noon), book.Find("noon")!.DealtWith);
        Assert.Same(book, TakeUp(book, Noon));
    }

    [Fact]
    public void Of_equal_runs_at_one_time_the_last_by_id_is_done()
    {
        var book = Put(Put(new ScheduleBook(), "b", Morning, Noon), "a", Morning, Noon);
        Assert.Equal("b", TakeUp(book, Noon.AddDays(1)).UnderWay!.Schedule);
    }

    [Fact]
    public void Every_run_that_gives_way_has_its_event_the_one_in_progress_first()
    {
        var book = Put(new ScheduleBook(), "z-first", Morning, Noon);
        book = TakeUp(book, Noon.AddDays(1).AddHours(-4));
        Assert.Equal("z-first", book.UnderWay!.Schedule);
        foreach (var (id, hour) in new[] { ("a", 10), ("b", 11), ("c", 12) })
        {
            book = Put(book, id, Morning with { Cron = $"0 {hour} * * *" }, Noon.AddDays(1).AddHours(-4));
        }

        var sequence = book.LastSequence;
        book = TakeUp(book, Noon.AddDays(1));

        Assert.Equal("c", book.UnderWay!.Schedule);
        Assert.Equal(["z-first", "a", "b"], book.Events.Select(happened => happened.Data["schedule"]));
        Assert.Equal([1L, 2L, 3L], book.Events.Select(happened => happened.Sequence - sequence));
        Assert.Equal(sequence + 3, book.LastSequence);
        Assert.All(
            new[] { "z-first", "a", "b" },
            id => Assert.Equal(RunOutcome.Superseded, book.Find(id)!.LastRun!.Outcome)
        );
        Assert.Null(book.Find("c")!.LastRun);
    }

    [Fact]
    public void The_agenda_wakes_for_the_run_in_progress_unless_another_is_due_before()
    {
        var every = Morning with { Cron = "* * * * *" };
        var book = TakeUp(Put(new ScheduleBook(), "s", every, Noon), Noon.AddMinutes(1));
        var due = Noon.AddMinutes(2);
        foreach (var (before, wake) in new[] { (6, -1), (5, 0), (4, 0) })
        {
            var now = due.AddSeconds(-before);
            Assert.Equal(due.AddSeconds(wake), ScheduleDecisions.NextWake(book, TimeZones.Find, now));
        }

        book = ScheduleDecisions.Conclude(book, RunOutcome.Done, "", null, TimeZones.Find, Noon.AddMinutes(1));
        Assert.Equal(due, ScheduleDecisions.NextWake(book, TimeZones.Find, due.AddSeconds(-50)));
        Assert.Null(ScheduleDecisions.NextWake(new ScheduleBook(), TimeZones.Find, Noon));
    }

    [Fact]
    public void The_first_of_all_schedules_wakes()
    {
        var book = Put(new ScheduleBook(), "late", Morning with { Cron = "0 20 * * *" }, Noon);
        book = Put(book, "early", Morning with { Cron = "0 15 * * *" }, Noon);
        book = Put(book, "off", Morning with { Cron = "0 14 * * *", Enabled = false }, Noon);
        Assert.Equal(Noon.AddHours(2), book.WakeAt);
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
        var book = ScheduleDecisions.Put(new ScheduleBook(), "s", Morning, _ => null, By(Noon));
        Assert.Equal(new Occurrence(new DateTime(2026, 3, 1, 12, 0, 0), Noon), book.Find("s")!.DealtWith);
        Assert.Equal(Noon.AddHours(1), book.WakeAt);
    }

    [Theory]
    [InlineData(256, 64, "")]
    [InlineData(257, 64, "description")]
    [InlineData(256, 65, "time_zone")]
    [InlineData(0, 0, "time_zone")]
    public void Texts_are_accepted_up_to_their_limits(int description, int zone, string field)
    {
        var spec = Morning with { Description = new string('x', description), TimeZone = new string('z', zone) };
        var faults = ScheduleChecks.FaultsOf(spec, _ => TimeZoneInfo.Utc).Select(fault => fault.Field);
        Assert.Equal(field.Length == 0 ? [] : [field], faults);
    }

    [Fact]
    public void A_text_of_more_than_one_line_is_refused()
    {
        var spec = Morning with { Description = "two\nlines", TimeZone = "Europe\nBerlin" };
        var faults = ScheduleChecks.FaultsOf(spec, _ => TimeZoneInfo.Utc).ToList();
        Assert.Equal(["time_zone", "description"], faults.Select(fault => fault.Field));
        Assert.DoesNotContain("Europe\n", faults[0].Description, StringComparison.Ordinal);
    }

    private static string[] Data(StoredEvent happened) => [.. happened.Data.Select(pair => $"{pair.Key}={pair.Value}")];

    private static ScheduleBook Put(ScheduleBook book, string id, ScheduleSpec spec, DateTimeOffset now) =>
        ScheduleDecisions.Put(book, id, spec, TimeZones.Find, By(now));

    private static ScheduleBook TakeUp(ScheduleBook book, DateTimeOffset now) =>
        ScheduleDecisions.TakeUp(book, TimeZones.Find, now);

    private static Cause By(DateTimeOffset now) => new(now, new RequestId("req-1"), "key:a");
}
