using System.Collections.Concurrent;
using System.Globalization;
using Scheduler.ClusterTests.Instances;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Schedules;
using Scheduler.Grains;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Schedules;

/// <summary>
/// A run is neither lost nor executed twice: with any failing step, with a lost silo, and with two activations of its
/// grain.
/// </summary>
public sealed class ScheduleFaultTests(ITestOutputHelper output)
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    [Fact]
    public async Task INV_03_and_04_each_run_executes_once_when_any_step_fails_in_any_way()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s => s.Options.Providers.BreakerFailures = 1000);
        using var ends = new CancellationTokenSource();
        var time = PassTimeAsync(scheduler, ends.Token);
        const string Path = "scheduled, started and stopped";
        var dry = new EveryStepCase(scheduler, Path, 0, null, default);
        await LiveAsync(dry);
        // A late answer of the provider correctly fails a launch, which is outside of this test.
        var steps = dry.Steps.Taken.Where(step => step.What.StartsWith("write ", StringComparison.Ordinal)).ToList();
        Assert.Contains(steps, step => step.What == "write schedules");
        var cases = steps
            .SelectMany(step => Enum.GetValues<StepFault>().Select(wrong => (step, wrong)))
            .Select((c, i) => new EveryStepCase(scheduler, Path, i + 1, c.step, c.wrong))
            .ToList();
        var failures = new ConcurrentQueue<string>();
        await Parallel.ForEachAsync(
            cases,
            new ParallelOptions
            {
                MaxDegreeOfParallelism = 48,
                CancellationToken = TestContext.Current.CancellationToken,
            },
            async (one, _) =>
            {
                try
                {
                    await LiveAsync(one);
                }
                catch (Exception exception)
                {
                    failures.Enqueue($"{one}: {exception.Message}");
                }
            }
        );
        await ends.CancelAsync();
        await time;

        Assert.True(failures.IsEmpty, string.Join('\n', failures));
        var happened = cases.Count(one => one.Steps.HasHappened);
        output.WriteLine($"{steps.Count} steps, {cases.Count} cases, {happened} of them failed as intended");
        Assert.True(happened >= cases.Count * 9 / 10, $"Only {happened} of {cases.Count} faults happened.");
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task INV_03_a_crash_between_command_and_record_executes_the_command_once()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        await scheduler.ScheduleAsync(id, "on", ScheduleAction.Start, "1 12 * * *");

        // The first write created the schedule, the next decides on the run: all later writes fail.
        scheduler.Faults.FailWrite("schedules", FaultMoment.Before, nth: 2, times: 1000);
        await scheduler.UntilAsync(id, InstanceState.Running, Tick);
        await Eventually.TrueAsync(() => scheduler.Faults.Failed > 0, "the end of the run was not recorded");
        TestScheduler.Good(await scheduler.StopAsync(id));
        await scheduler.SettledAsync(id, InstanceState.Stopped, Tick);
        scheduler.Faults.Clear();
        await scheduler.CrashAndRestartAsync();

        Assert.Equal(RunOutcome.Done, (await scheduler.UntilRanAsync(id, "on", Tick)).LastRun!.Outcome);
        Assert.Equal(
            (1, InstanceState.Stopped),
            ((await scheduler.SeeAsync(id)).Run, (await scheduler.SeeAsync(id)).State)
        );
        Assert.Equal(["ScheduleCreated", "RunDone"], await scheduler.ScheduleTimelineAsync(id, "on"));
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task INV_03_schedules_of_a_killed_silo_run_once_on_the_other_silo()
    {
        await using var scheduler = await TestScheduler.DeployAsync(_ => { }, silos: 2);
        var ids = await ManyAsync(scheduler);
        await scheduler.Cluster.KillSiloAsync(scheduler.Cluster.Silos[1], TestContext.Current.CancellationToken);
        await AllRanOnceAsync(scheduler, ids);
    }

    [Fact]
    public async Task INV_04_two_clusters_on_one_store_run_each_schedule_once()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var ids = await ManyAsync(scheduler);
        await using (var other = await scheduler.SplitAsync())
        {
            foreach (var id in ids)
            {
                Assert.True((await other.Client.Schedules(id).GetAsync("on", null)).IsOk);
            }

            await scheduler.PassAsync(TimeSpan.FromMinutes(3), Tick);
        }

        // The split has ended: one cluster remains and reads the true state.
        await scheduler.CrashAndRestartAsync();
        await AllRanOnceAsync(scheduler, ids);
    }

    private static async Task<List<InstanceId>> ManyAsync(TestScheduler scheduler)
    {
        var account = await scheduler.AccountAsync();
        var ids = new List<InstanceId>();
        for (var i = 0; i < 8; i++)
        {
            ids.Add(await scheduler.CreateAsync(account));
            await scheduler.ScheduleAsync(ids[i], "on", ScheduleAction.Start, "1 12 * * *");
        }

        return ids;
    }

    private static async Task AllRanOnceAsync(TestScheduler scheduler, List<InstanceId> ids)
    {
        foreach (var id in ids)
        {
            await scheduler.UntilAsync(id, InstanceState.Running, Tick);
            await scheduler.UntilRanAsync(id, "on", Tick);
            Assert.Equal(1, (await scheduler.SeeAsync(id)).Run);
            Assert.Equal(["ScheduleCreated", "RunDone"], await scheduler.ScheduleTimelineAsync(id, "on"));
        }

        await scheduler.SoundAsync();
    }

    /// <summary>The instance is to start in two minutes and to stop in four; each happens once.</summary>
    private static async Task LiveAsync(EveryStepCase one)
    {
        await one.CreateAsync();
        var now = one.Scheduler.Clock.GetUtcNow();
        await one.InsistOnScheduleAsync("on", ScheduleAction.Start, At(now.AddMinutes(3)));
        await one.InsistOnScheduleAsync("off", ScheduleAction.Stop, At(now.AddMinutes(6)));
        await one.UntilAsync(record => Task.FromResult(record.State == InstanceState.Running), "it runs");
        await one.SettleAsync(InstanceState.Stopped);
        await one.UntilAsync(async _ => await RanAsync("on") && await RanAsync("off"), "both runs are recorded");
        var timeline = await one.Scheduler.TimelineAsync(one.Id);
        Assert.Equal(["schedule:on"], timeline.Where(e => e.Trigger is "Start").Select(e => e.Actor));
        Assert.Equal(["schedule:off"], timeline.Where(e => e.Trigger is "Stop").Select(e => e.Actor));
        foreach (var schedule in new[] { "on", "off" })
        {
            Assert.Equal(["ScheduleCreated", "RunDone"], await one.Scheduler.ScheduleTimelineAsync(one.Id, schedule));
        }

        async Task<bool> RanAsync(string schedule) =>
            (await one.Scheduler.ScheduleOfAsync(one.Id, schedule)).Schedule.LastRun?.Outcome == RunOutcome.Done;
    }

    private static string At(DateTimeOffset time) =>
        string.Create(CultureInfo.InvariantCulture, $"{time.Minute} {time.Hour} {time.Day} {time.Month} *");

    private static async Task PassTimeAsync(TestScheduler scheduler, CancellationToken ends)
    {
        while (!ends.IsCancellationRequested)
        {
            scheduler.Clock.Advance(TimeSpan.FromMilliseconds(200));
            await Task.Delay(TimeSpan.FromMilliseconds(4), TimeProvider.System, CancellationToken.None);
        }
    }
}
