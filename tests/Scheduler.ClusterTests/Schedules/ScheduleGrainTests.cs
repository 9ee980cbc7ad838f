using Scheduler.ClusterTests.Telemetry;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Schedules;
using Scheduler.Grains;
using Scheduler.Grains.Schedules;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Schedules;

public sealed class ScheduleGrainTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task A_start_runs_once_when_due_and_a_stop_follows()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        using var metrics = new MetricRecorder(scheduler.Services);
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        await scheduler.ScheduleAsync(id, "on", ScheduleAction.Start, "5 12 * * *");
        await scheduler.ScheduleAsync(id, "off", ScheduleAction.Stop, "8 12 * * *");

        await scheduler.PassAsync(TimeSpan.FromMinutes(5) - Tick);
        Assert.Equal(InstanceState.Stopped, (await scheduler.SeeAsync(id)).State);
        await scheduler.PassAsync(2 * Tick);
        // The clock stands still, so that the time of the run does not depend on the load of the machine.
        await scheduler.UntilRanAsync(id, "on");
        await scheduler.UntilAsync(id, InstanceState.Running, Tick);
        await scheduler.PassAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(1, (await scheduler.SeeAsync(id)).Run);
        await scheduler.SettledAsync(id, InstanceState.Stopped, Tick);
        await scheduler.PassAsync(TimeSpan.FromMinutes(5));

        var told = (await scheduler.TimelineAsync(id)).Where(e => e.Trigger is "Start" or "Stop").ToList();
        Assert.Equal(["schedule:on", "schedule:off"], told.Select(e => e.Actor));
        Assert.Equal($"req-{id}-on-1-20260301T1205", told[0].RequestId.Value);
        var on = await scheduler.ScheduleOfAsync(id, "on");
        Assert.Equal(RunOutcome.Done, on.Schedule.LastRun!.Outcome);
        Assert.InRange(on.Schedule.LastRun.At - on.Schedule.LastRun.Due.At, TimeSpan.Zero, TimeSpan.FromSeconds(5));
        Assert.Equal(TestScheduler.Noon.AddDays(1).AddMinutes(5), on.NextRuns[0]);
        Assert.Equal(5, on.NextRuns.Length);
        Assert.Equal(["ScheduleCreated", "RunDone"], await scheduler.ScheduleTimelineAsync(id, "on"));
        Assert.Equal(
            1,
            metrics.Sum("scheduler.schedule.runs", ("action", "start"), ("outcome", "done"), ("code", "none"))
        );
        Assert.Equal(2, metrics.Sum("scheduler.schedule.runs"));
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task After_downtime_only_the_latest_missed_run_executes()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        await scheduler.ScheduleAsync(id, "on", ScheduleAction.Start, "0 * * * *");
        await scheduler.CrashAsync();
        scheduler.Clock.Advance(TimeSpan.FromHours(50.5));
        await scheduler.StartSilosAsync();

        await scheduler.UntilAsync(id, InstanceState.Running, Tick);
        var on = await scheduler.UntilRanAsync(id, "on");
        Assert.Equal(TestScheduler.Noon.AddHours(50), on.LastRun!.Due.At);
        Assert.Equal(TestScheduler.Noon.AddHours(1), on.LastRun.MissedSince);
        await scheduler.PassAsync(TimeSpan.FromMinutes(1));
        Assert.Equal(["ScheduleCreated", "RunDone"], await scheduler.ScheduleTimelineAsync(id, "on"));
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task INV_07_a_refused_scheduled_start_is_recorded_with_its_code()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        using var metrics = new MetricRecorder(scheduler.Services);
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync(euros: 0));
        await scheduler.ScheduleAsync(id, "on", ScheduleAction.Start, "1 12 * * *");
        var on = await scheduler.UntilRanAsync(id, "on", Tick);

        Assert.Equal(RunOutcome.Refused, on.LastRun!.Outcome);
        var failed = (await scheduler.SeeAsync(id)).Failure!;
        Assert.Equal(FailureCode.BillingBelowMinimum, on.LastRun.Failure!.Code);
        Assert.Equal(failed.Failure.Hint, on.LastRun.Failure.Hint);
        Assert.Equal(failed.RequestId, on.LastRun.RequestId);
        Assert.Equal(
            1,
            metrics.Sum("scheduler.schedule.runs", ("outcome", "refused"), ("code", "BILLING_BELOW_MINIMUM"))
        );
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_run_whose_target_state_is_already_reached_succeeds()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var running = await scheduler.RunningAsync(account);
        var stopped = await scheduler.CreateAsync(account);
        await scheduler.ScheduleAsync(running.Id, "on", ScheduleAction.Start, "1 12 * * *");
        await scheduler.ScheduleAsync(stopped, "off", ScheduleAction.Stop, "1 12 * * *");

        Assert.Equal(RunOutcome.AlreadySo, (await scheduler.UntilRanAsync(running.Id, "on", Tick)).LastRun!.Outcome);
        Assert.Equal(RunOutcome.AlreadySo, (await scheduler.UntilRanAsync(stopped, "off", Tick)).LastRun!.Outcome);
        Assert.Equal(1, (await scheduler.SeeAsync(running.Id)).Run);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_start_waits_for_an_instance_that_is_stopping()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        scheduler.Cloud.OtherwiseRelease = _ => ReleaseAnswer.Pending;
        var running = await scheduler.RunningAsync(await scheduler.AccountAsync());
        await scheduler.ScheduleAsync(running.Id, "off", ScheduleAction.Stop, "1 12 * * *");
        await scheduler.ScheduleAsync(running.Id, "on", ScheduleAction.Start, "2 12 * * *");
        await scheduler.PassAsync(TimeSpan.FromMinutes(3));
        Assert.Equal(InstanceState.Stopping, (await scheduler.SeeAsync(running.Id)).State);
        Assert.Null((await scheduler.ScheduleOfAsync(running.Id, "on")).Schedule.LastRun);

        scheduler.Cloud.OtherwiseRelease = _ => ReleaseAnswer.Release;
        await scheduler.UntilAsync(
            running.Id,
            r => r is { State: InstanceState.Running, Run: 2 },
            "it runs again",
            Tick
        );
        Assert.Equal(RunOutcome.Done, (await scheduler.UntilRanAsync(running.Id, "on", Tick)).LastRun!.Outcome);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_start_that_waits_too_long_is_skipped()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        scheduler.Cloud.OtherwiseRelease = _ => ReleaseAnswer.Pending;
        var running = await scheduler.RunningAsync(await scheduler.AccountAsync());
        TestScheduler.Good(await scheduler.StopAsync(running.Id));
        await scheduler.ScheduleAsync(running.Id, "on", ScheduleAction.Start, "1 12 * * *");
        await scheduler.PassAsync(TimeSpan.FromMinutes(10));
        Assert.Null((await scheduler.ScheduleOfAsync(running.Id, "on")).Schedule.LastRun);
        Assert.Equal(RunOutcome.Skipped, (await scheduler.UntilRanAsync(running.Id, "on", Tick)).LastRun!.Outcome);
        scheduler.Cloud.OtherwiseRelease = _ => ReleaseAnswer.Release;
        await scheduler.SettledAsync(running.Id, InstanceState.Stopped, Tick);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Schedules_end_with_their_instance_even_without_a_notification(bool isLost)
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        await scheduler.ScheduleAsync(id, "on", ScheduleAction.Start, "5 12 * * *");
        if (isLost)
        {
            scheduler.Faults.FailWrite("schedules", FaultMoment.Before);
        }

        TestScheduler.Good(await scheduler.DeleteAsync(id));
        await Eventually.TrueAsync(
            () => scheduler.Faults.Failed == (isLost ? 1 : 0) && scheduler.Faults.Writes("schedules") == 2,
            "the schedules were notified, or the write failed"
        );

        var grain = scheduler.Grains.Schedules(id);
        Assert.Empty(TestScheduler.Good(await grain.ListAsync(null)).Schedules);
        Assert.Equal(RefusalKind.NotFound, (await grain.GetAsync("on", null)).Refusal!.Kind);
        Assert.Equal(RefusalKind.WrongState, (await TryAsync(scheduler, id, "new", "0 0 * * *")).Refusal!.Kind);
        await scheduler.PassAsync(TimeSpan.FromMinutes(6));

        var agenda = await scheduler.Services.AgendaAsync();
        Assert.DoesNotContain(agenda, item => item.Kind == "schedules");
        Assert.Equal(InstanceState.Deleted, (await scheduler.SeeAsync(id)).State);
        Assert.Equal(["Create", "Delete"], (await scheduler.TimelineAsync(id)).Select(e => e.Trigger));
    }

    [Fact]
    public async Task INV_08_a_schedule_is_visible_to_its_own_account_only()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var (mine, other) = (await scheduler.AccountAsync(), await scheduler.AccountAsync("b"));
        var id = await scheduler.CreateAsync(mine);
        await scheduler.ScheduleAsync(id, "on", ScheduleAction.Start, "5 12 * * *");
        var grain = scheduler.Grains.Schedules(id);
        var off = new UpdateSchedule(null, null, null, false, null);
        var spec = ScheduleDriving.Spec(ScheduleAction.Start, "5 12 * * *");

        Assert.Equal(RefusalKind.NotFound, (await grain.GetAsync("on", other)).Refusal!.Kind);
        Assert.Equal(RefusalKind.NotFound, (await grain.ListAsync(other)).Refusal!.Kind);
        Assert.Equal(RefusalKind.NotFound, (await grain.CreateAsync("on", spec, scheduler.As(other))).Refusal!.Kind);
        Assert.Equal(RefusalKind.NotFound, (await grain.UpdateAsync("on", off, scheduler.As(other))).Refusal!.Kind);
        Assert.Equal(RefusalKind.NotFound, (await grain.DeleteAsync("on", scheduler.As(other))).Refusal!.Kind);
        Assert.Equal(
            RefusalKind.NotFound,
            (await scheduler.Grains.Fleet().ScheduleTimelineAsync(id, "on", other, 0, 10)).Refusal!.Kind
        );
        Assert.True((await grain.GetAsync("on", mine)).Value!.Schedule.Spec.Enabled);
        Assert.False(TestScheduler.Good(await grain.UpdateAsync("on", off, scheduler.As(mine))).Schedule.Spec.Enabled);
    }

    [Fact]
    public async Task The_number_of_schedules_per_instance_is_limited()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        for (var i = 0; i < ScheduleSet.MostSchedules; i++)
        {
            await scheduler.ScheduleAsync(id, $"s{i}", ScheduleAction.Start, "0 0 * * *");
        }

        var refused = (await TryAsync(scheduler, id, "one-more", "0 25 * * *")).Refusal!;
        Assert.Equal(["cron", "parent"], refused.Faults.Select(fault => fault.Field));
        await scheduler.ScheduleAsync(id, "s3", ScheduleAction.Start, "0 0 * * *");
        Assert.Equal(RefusalKind.AlreadyExists, (await TryAsync(scheduler, id, "s3", "1 0 * * *")).Refusal!.Kind);
        var grain = scheduler.Grains.Schedules(id);
        var late = new UpdateSchedule(null, "1 0 * * *", null, null, null, IfGeneration: 99);
        Assert.Equal(RefusalKind.WrongState, (await grain.UpdateAsync("s3", late, scheduler.As(null))).Refusal!.Kind);
        TestScheduler.Good(await grain.DeleteAsync("s3", scheduler.As(null)));
        Assert.True((await TryAsync(scheduler, id, "one-more", "0 0 * * *")).IsOk);
    }

    private static Task<Answer<ScheduleView>> TryAsync(
        TestScheduler scheduler,
        InstanceId id,
        string schedule,
        string cron
    ) =>
        scheduler
            .Grains.Schedules(id)
            .CreateAsync(schedule, ScheduleDriving.Spec(ScheduleAction.Start, cron), scheduler.As(null));
}
