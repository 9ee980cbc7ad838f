using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Grains;
using Scheduler.Grains.Instances;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>Providers with late, duplicate, wrong or missing answers.</summary>
public sealed class UnreliableProviderTests
{
    [Fact]
    public async Task INV_03_stop_and_reads_are_answered_while_an_allocation_hangs()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account);
        scheduler.Cloud.NextAllocate(AllocateAnswer.Hang);
        await scheduler.LaunchAsync(id);
        await Eventually.TrueAsync(() => scheduler.Cloud.Asked.Length == 1, "the provider is called");

        Assert.Equal(InstanceState.Provisioning, (await scheduler.SeeAsync(id)).State);
        Assert.True((await scheduler.Grains.Instance(id).ExplainAsync(account)).IsOk);
        Assert.True((await scheduler.StopAsync(id)).IsOk);
        await scheduler.SettledAsync(id, InstanceState.Stopped);

        Assert.Equal(MicroEuro.Zero, (await scheduler.MoneyAsync(account)).Holds);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task INV_02_capacity_that_arrives_after_a_stop_is_released()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        scheduler.Cloud.NextAllocate(AllocateAnswer.Late);
        await scheduler.LaunchAsync(id);
        var key = (await scheduler.UntilAsync(id, InstanceState.Provisioning)).Intent!.Key;
        await Eventually.TrueAsync(() => scheduler.Cloud.Asked.Length == 1, "the provider is called");
        await scheduler.StopAsync(id);
        await scheduler.SettledAsync(id, InstanceState.Stopped);

        scheduler.Cloud.DeliverLate(key);
        await Eventually.TrueAsync(() => scheduler.Cloud.Made.Length == 1, "the late machine is made");
        await Eventually.TrueAsync(
            () => scheduler.Cloud.Held.IsEmpty,
            "the late machine is released",
            scheduler.Clock,
            TimeSpan.FromMilliseconds(500)
        );

        Assert.Equal(InstanceState.Stopped, (await scheduler.SeeAsync(id)).State);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task INV_02_capacity_that_arrives_after_the_deadline_is_released_at_once()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        scheduler.Cloud.NextAllocate(AllocateAnswer.Late);
        await scheduler.LaunchAsync(id);
        var key = (await scheduler.UntilAsync(id, InstanceState.Provisioning)).Intent!.Key;
        await scheduler.SettledAsync(id, InstanceState.Failed, TimeSpan.FromSeconds(1));

        scheduler.Cloud.DeliverLate(key);
        await Eventually.TrueAsync(() => scheduler.Cloud.Made.Length == 1, "the late machine is made");
        await Eventually.TrueAsync(() => scheduler.Cloud.Held.IsEmpty, "the late machine is released");

        Assert.Equal(FailureCode.ProviderTimeout, (await scheduler.SeeAsync(id)).Failure!.Failure.Code);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task INV_03_a_start_is_answered_while_the_release_of_late_capacity_hangs()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        scheduler.Cloud.NextAllocate(AllocateAnswer.Late);
        await scheduler.LaunchAsync(id);
        var key = (await scheduler.UntilAsync(id, InstanceState.Provisioning)).Intent!.Key;
        await scheduler.SettledAsync(id, InstanceState.Failed, TimeSpan.FromSeconds(1));
        scheduler.Cloud.NextRelease(ReleaseAnswer.Hang);

        scheduler.Cloud.DeliverLate(key);
        await Eventually.TrueAsync(
            () => scheduler.Cloud.Calls.Count(call => call.Verb == "Release") == 2,
            "the late machine is being released"
        );

        Assert.True((await scheduler.LaunchAsync(id)).IsOk);
        await scheduler.UntilAsync(id, InstanceState.Running);
    }

    [Fact]
    public async Task A_duplicate_answer_counts_once()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var running = await scheduler.RunningAsync(await scheduler.AccountAsync());
        var inbox = scheduler.Grains.GetGrain<IInstanceInbox>(running.Id.Value);
        var answer = AllocateOutcome.Allocated(running.Allocation!);

        await inbox.AllocationAnsweredAsync(running.Intent!.Key, answer, TimeSpan.Zero);
        await inbox.ObservedAsync(running.Allocation!);
        await inbox.AllocationAnsweredAsync(
            running.Intent.Key,
            AllocateOutcome.Rejected(RejectionKind.OutOfStock, "changed my mind"),
            TimeSpan.Zero
        );

        Assert.Equal(running.Generation, (await scheduler.SeeAsync(running.Id)).Generation);
        Assert.Single(scheduler.Cloud.Held);
        await scheduler.SoundAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task INV_01_an_interrupted_allocation_is_retried_under_the_same_key(bool afterEffect)
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        var broken = afterEffect ? AllocateAnswer.ThrowAfter : AllocateAnswer.ThrowBefore;
        scheduler.Cloud.NextAllocate(broken, broken);
        await scheduler.LaunchAsync(id);

        await scheduler.SettledAsync(id, InstanceState.Running, TimeSpan.FromMilliseconds(100));

        Assert.Equal(3, scheduler.Cloud.Asked.Length);
        Assert.Single(scheduler.Cloud.Asked.Distinct());
        Assert.Single(scheduler.Cloud.Made);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task INV_01_a_release_is_repeated_until_it_is_confirmed()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var running = await scheduler.RunningAsync(await scheduler.AccountAsync());
        scheduler.Cloud.NextRelease(
            ReleaseAnswer.Pending,
            ReleaseAnswer.ThrowBefore,
            ReleaseAnswer.Pending,
            ReleaseAnswer.ThrowAfter
        );
        await scheduler.StopAsync(running.Id);
        Assert.Equal(InstanceState.Stopping, (await scheduler.SeeAsync(running.Id)).State);

        await scheduler.SettledAsync(running.Id, InstanceState.Stopped, TimeSpan.FromMilliseconds(500));

        Assert.Equal(5, scheduler.Cloud.Calls.Count(call => call.Verb == "Release"));
        Assert.Empty(scheduler.Cloud.Held);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task INV_02_a_hanging_release_does_not_delay_other_releases()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account);
        scheduler.Cloud.NextAllocate(AllocateAnswer.Reject(RejectionKind.OutOfStock, "sold out"));
        scheduler.Cloud.OtherwiseRelease = key =>
            key.Value.EndsWith("-r1-a1", StringComparison.Ordinal) ? ReleaseAnswer.Hang : ReleaseAnswer.Release;
        await scheduler.LaunchAsync(id);
        await scheduler.UntilAsync(id, InstanceState.Failed);

        // The release of the first attempt may hang; the machine of the second attempt must be released nevertheless.
        await scheduler.LaunchAsync(id);
        await scheduler.UntilAsync(id, InstanceState.Running);
        await scheduler.StopAsync(id);
        await Eventually.TrueAsync(
            () => scheduler.Cloud.Held.IsEmpty,
            "the second machine is released",
            scheduler.Clock,
            TimeSpan.FromMilliseconds(500)
        );
        await Eventually.UntilAsync(
            () => scheduler.MoneyAsync(account),
            money => money.Holds == MicroEuro.Zero,
            "the hold is released"
        );
    }

    [Fact]
    public async Task INV_02_a_hanging_release_is_retried()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var running = await scheduler.RunningAsync(await scheduler.AccountAsync());
        scheduler.Cloud.NextRelease(ReleaseAnswer.Hang);
        await scheduler.StopAsync(running.Id);

        await scheduler.SettledAsync(running.Id, InstanceState.Stopped, TimeSpan.FromSeconds(1));

        Assert.Empty(scheduler.Cloud.Held);
        await scheduler.SoundAsync();
    }
}
