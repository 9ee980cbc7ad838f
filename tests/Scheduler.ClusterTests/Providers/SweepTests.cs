using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Providers;

public sealed class SweepTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    [Fact]
    public async Task INV_02_an_orphan_is_released_after_the_safety_age_and_not_before()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var mine = await scheduler.RunningAsync(await scheduler.AccountAsync());
        var orphan = Orphan(scheduler, "i-never-was", "local");
        var foreign = Orphan(scheduler, "i-never-was", "another-cluster");

        await scheduler.PassAsync(scheduler.Options.Providers.SafetyAge - TimeSpan.FromSeconds(2));
        Assert.Contains(scheduler.Cloud.Held, held => held.Key == orphan);
        await Eventually.TrueAsync(
            () => scheduler.Cloud.Held.All(held => held.Key != orphan),
            "the orphan is released",
            scheduler.Clock,
            Tick
        );
        await scheduler.PassAsync(TimeSpan.FromMinutes(3), Tick);

        Assert.Contains(scheduler.Cloud.Held, held => held.Key == foreign);
        Assert.Contains(scheduler.Cloud.Held, held => held.Key == mine.Intent!.Key);
        scheduler.Cloud.Vanish(foreign);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task INV_02_one_failing_allocation_does_not_stop_the_sweep()
    {
        await using var scheduler = await TestScheduler.DeployAsync();

        // ListedOffers first: an owner with an invalid grain id, and one whose release always fails.
        Orphan(scheduler, "abc", "local");
        var stuck = Orphan(scheduler, "i-never-was", "local");
        var orphan = Orphan(scheduler, "i-never-was", "local");
        scheduler.Cloud.OtherwiseRelease = key => key == stuck ? ReleaseAnswer.ThrowBefore : ReleaseAnswer.Release;
        var running = await scheduler.RunningAsync(await scheduler.AccountAsync());
        scheduler.Cloud.Vanish(running.Intent!.Key);

        await Eventually.TrueAsync(
            () => scheduler.Cloud.Held.All(held => held.Key != orphan),
            "the other orphan is released",
            scheduler.Clock,
            Tick
        );
        await scheduler.SettledAsync(running.Id, InstanceState.Failed, Tick);
    }

    [Fact]
    public async Task A_vanished_machine_fails_its_instance_after_the_safety_age()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var running = await scheduler.RunningAsync(await scheduler.AccountAsync());

        scheduler.Cloud.Vanish(running.Intent!.Key);
        var failed = await scheduler.SettledAsync(running.Id, InstanceState.Failed, Tick);

        Assert.Equal(FailureCode.RuntimeExited, failed.Failure!.Failure.Code);
        Assert.True(failed.Failure.FailedAt - running.StateSince >= scheduler.Options.Providers.SafetyAge);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task The_sweep_detects_an_exit_that_was_not_pushed()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var running = await scheduler.RunningAsync(await scheduler.AccountAsync());
        scheduler.Cloud.IsSilent = true;

        scheduler.Cloud.Exit(running.Intent!.Key, new RuntimeExit { ExitCode = 1 });
        await scheduler.SettledAsync(running.Id, InstanceState.Failed, Tick);

        Assert.Empty(scheduler.Cloud.Held);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task The_probe_detects_a_booting_machine_that_vanished()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        scheduler.Cloud.NextAllocate(AllocateAnswer.SucceedBooting);
        await scheduler.LaunchAsync(id);
        var starting = await scheduler.UntilAsync(id, InstanceState.Starting);

        scheduler.Cloud.Vanish(starting.Intent!.Key);
        var failed = await scheduler.SettledAsync(id, InstanceState.Failed, TimeSpan.FromMilliseconds(500));

        Assert.Equal(FailureCode.RuntimeExited, failed.Failure!.Failure.Code);
        await scheduler.SoundAsync();
    }

    private static int _orphans;

    private static AllocationKey Orphan(TestScheduler scheduler, string instance, string cluster)
    {
        var key = new AllocationKey($"{instance}-orphan-{Interlocked.Increment(ref _orphans)}");
        scheduler.Cloud.Plant(
            new Allocation
            {
                Key = key,
                Tag = new AllocationTag(cluster, new InstanceId(instance)),
                ProviderAllocationId = "vm-orphan",
                Status = AllocationStatus.Ready,
                CreatedAt = scheduler.Clock.GetUtcNow(),
            }
        );
        return key;
    }
}
