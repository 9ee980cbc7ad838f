using Scheduler.Domain.Billing;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Runtimes;
using Scheduler.Grains;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>
/// INV-03: whatever is lost between record and action, the instance continues to the goal of its last command.
/// </summary>
public sealed class CrashTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(200);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task INV_03_a_launch_continues_after_a_crash_during_the_allocation_call(bool wholeSilo)
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account);
        scheduler.Cloud.NextAllocate(AllocateAnswer.Hang);
        await scheduler.LaunchAsync(id);
        await Eventually.TrueAsync(() => scheduler.Cloud.Asked.Length == 1, "the provider is called");

        await LoseAsync(scheduler, id, wholeSilo);

        var running = await ListShowsAsync(scheduler, id, InstanceState.Running);
        Assert.Equal((1, 1), (running.Run, running.Attempt));
        Assert.Single(scheduler.Cloud.Asked.Distinct());
        Assert.Single(scheduler.Cloud.Made);
        await MetersAsync(scheduler, running);
        await scheduler.SoundAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task INV_03_a_launch_whose_answer_was_lost_uses_the_machine_that_was_made(bool wholeSilo)
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        scheduler.Cloud.NextAllocate(AllocateAnswer.ThrowAfter);
        await scheduler.LaunchAsync(id);
        await Eventually.TrueAsync(() => scheduler.Cloud.Made.Length == 1, "the machine is made");

        await LoseAsync(scheduler, id, wholeSilo);

        await ListShowsAsync(scheduler, id, InstanceState.Running);
        Assert.Single(scheduler.Cloud.Made);
        await scheduler.SoundAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task INV_03_a_booting_runtime_is_probed_again_after_a_crash(bool wholeSilo)
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        scheduler.Cloud.IsSilent = true;
        scheduler.Cloud.NextAllocate(AllocateAnswer.SucceedBooting);
        await scheduler.LaunchAsync(id);
        var starting = await scheduler.UntilAsync(id, InstanceState.Starting);

        await LoseAsync(scheduler, id, wholeSilo);
        scheduler.Cloud.BecomeReady(starting.Intent!.Key);

        await ListShowsAsync(scheduler, id, InstanceState.Running);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task INV_03_billing_continues_through_a_crash_and_the_exit_is_detected()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var running = await scheduler.RunningAsync(account);
        await MetersAsync(scheduler, running);
        await scheduler.PassAsync(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(10));

        await scheduler.CrashAsync();
        scheduler.Clock.Advance(TimeSpan.FromSeconds(40));
        scheduler.Cloud.Exit(running.Intent!.Key, new RuntimeExit { ExitCode = 2 });
        await scheduler.StartSilosAsync();

        var failed = await ListShowsAsync(scheduler, running.Id, InstanceState.Failed);
        await scheduler.SettledAsync(running.Id, InstanceState.Failed);
        Assert.True(failed.RunningUntil - failed.RunningSince >= TimeSpan.FromSeconds(100));
        await scheduler.SoundAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task INV_03_a_stop_continues_after_a_crash(bool wholeSilo)
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var running = await scheduler.RunningAsync(account);
        scheduler.Cloud.NextRelease(ReleaseAnswer.Hang);
        await scheduler.PassAsync(TimeSpan.FromSeconds(10));
        await scheduler.StopAsync(running.Id);
        await Eventually.TrueAsync(
            () => scheduler.Cloud.Calls.Any(call => call.Verb == "Release"),
            "the release is in progress"
        );

        await LoseAsync(scheduler, running.Id, wholeSilo);

        await ListShowsAsync(scheduler, running.Id, InstanceState.Stopped);
        Assert.Empty(scheduler.Cloud.Held);
        Assert.Equal(MicroEuro.Zero, (await scheduler.MoneyAsync(account)).Holds);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task INV_03_a_deadline_that_expires_during_downtime_takes_effect()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account);
        scheduler.Cloud.Otherwise = AllocateAnswer.Hang;
        await scheduler.LaunchAsync(id);
        await Eventually.TrueAsync(() => scheduler.Cloud.Asked.Length == 1, "the provider is called");

        await scheduler.CrashAsync();
        scheduler.Clock.Advance(TimeSpan.FromMinutes(5));
        await scheduler.StartSilosAsync();

        await ListShowsAsync(scheduler, id, InstanceState.Failed);
        await scheduler.SettledAsync(id, InstanceState.Failed);
        Assert.Equal(MicroEuro.Zero, (await scheduler.MoneyAsync(account)).Holds);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_hold_without_a_recorded_launch_expires()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync(euros: 2m);
        var id = await scheduler.CreateAsync(account);
        scheduler.Faults.FailWrite("instance", FaultMoment.Before);
        await Assert.ThrowsAnyAsync<Exception>(() => scheduler.LaunchAsync(id));
        Assert.Equal(Make.CheapestPrice, (await scheduler.MoneyAsync(account)).Holds);
        Assert.Equal(InstanceState.Stopped, (await scheduler.SeeAsync(id)).State);

        await scheduler.CrashAsync();
        scheduler.Clock.Advance(TimeSpan.FromMinutes(15));
        await scheduler.StartSilosAsync();
        await Eventually.UntilAsync(
            () => scheduler.MoneyAsync(account),
            money => money.Holds == MicroEuro.Zero,
            "the hold expires",
            scheduler.Clock,
            Tick
        );

        Assert.True((await scheduler.LaunchAsync(id)).IsOk);
        await scheduler.UntilAsync(id, InstanceState.Running);
        await scheduler.SoundAsync();
    }

    /// <summary>
    /// Reads the list, not the grain: a call would activate the grain, and the test shows that it activates by itself.
    /// </summary>
    private static async Task<InstanceRecord> ListShowsAsync(
        TestScheduler scheduler,
        Domain.Ids.InstanceId id,
        InstanceState state
    )
    {
        var query = new InstanceQuery { States = [.. Enum.GetValues<InstanceState>()] };
        var page = await Eventually.UntilAsync(
            () => scheduler.Grains.Fleet().ListInstancesAsync(query),
            page => page.Instances.Any(record => record.Id == id && record.State == state),
            $"{id} continues to {state}",
            scheduler.Clock,
            Tick
        );
        return page.Instances.Single(record => record.Id == id);
    }

    private static async Task MetersAsync(TestScheduler scheduler, InstanceRecord running) =>
        await Eventually.UntilAsync(
            () => scheduler.MoneyAsync(running.Account),
            money => money.Running == 1,
            "the run is metered"
        );

    private static async Task LoseAsync(TestScheduler scheduler, Domain.Ids.InstanceId id, bool wholeSilo)
    {
        if (wholeSilo)
        {
            await scheduler.CrashAndRestartAsync();
        }
        else
        {
            await scheduler.Cluster.DeactivateAsync(scheduler.Grains.Instance(id));
        }
    }
}
