using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

public sealed class RerouteTests
{
    private static readonly LaunchSpec Rerouting = Make.Spec() with { AutoReroute = true };

    [Fact]
    public async Task A_refused_route_is_replaced_by_another_in_the_same_write()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account, Rerouting);
        scheduler.Cloud.NextAllocate(AllocateAnswer.Reject(RejectionKind.OutOfStock, "sold out"));
        await scheduler.LaunchAsync(id);

        var running = await scheduler.SettledAsync(id, InstanceState.Running);

        Assert.Equal((1, 2), (running.Run, running.Attempt));
        Assert.Equal("eu-north", running.Intent!.Offer.Region);
        Assert.Null(running.Failure);
        Assert.Equal(
            ["eu-west", "eu-north"],
            scheduler.Cloud.Calls.Where(c => c.Verb == "Allocate").Select(c => c.Region)
        );
        Assert.Equal(
            [
                "Provisioning→Failed by ProviderRejected",
                "Failed→Checking by Start",
                "Checking→Provisioning by OfferChosen",
            ],
            (await scheduler.PathAsync(id))[2..5]
        );
        var events = await scheduler.TimelineAsync(id);
        Assert.Single(events[3..6].Select(e => e.At).Distinct());

        // The hold of the first attempt was replaced, not added to.
        Assert.Equal(running.Intent.Hold, (await scheduler.MoneyAsync(account)).Holds);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_timed_out_route_is_replaced_and_its_late_capacity_is_released()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync(), Rerouting);
        scheduler.Cloud.NextAllocate(AllocateAnswer.Late);
        await scheduler.LaunchAsync(id);
        var first = (await scheduler.UntilAsync(id, InstanceState.Provisioning)).Intent!.Key;

        var running = await scheduler.SettledAsync(id, InstanceState.Running, TimeSpan.FromSeconds(1));
        scheduler.Cloud.DeliverLate(first);
        await Eventually.TrueAsync(() => scheduler.Cloud.Made.Contains(first), "the late machine is made");
        await Eventually.TrueAsync(
            () => scheduler.Cloud.Held.All(held => held.Key == running.Intent!.Key),
            "the late machine is released",
            scheduler.Clock,
            TimeSpan.FromMilliseconds(500)
        );

        Assert.Equal("eu-north", running.Intent!.Offer.Region);
        Assert.Equal(InstanceState.Running, (await scheduler.SeeAsync(id)).State);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task Rerouting_is_bounded_and_ends_with_the_last_failure()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account, Rerouting);
        scheduler.Cloud.Otherwise = AllocateAnswer.Reject(RejectionKind.Quota, "quota of 0 GPUs");
        await scheduler.LaunchAsync(id);

        var failed = await scheduler.SettledAsync(id, InstanceState.Failed);

        Assert.Equal(1 + scheduler.Options.Launch.MaxReroutes, scheduler.Cloud.Asked.Length);
        Assert.Equal(scheduler.Cloud.Asked.Length, scheduler.Cloud.Asked.Distinct().Count());
        Assert.Equal(FailureCode.ProviderRejected, failed.Failure!.Failure.Code);
        Assert.Equal(MicroEuro.Zero, (await scheduler.MoneyAsync(account)).Holds);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task Preemption_ends_the_run_and_starts_the_next_one()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var first = await scheduler.RunningAsync(account, Rerouting);
        await scheduler.PassAsync(TimeSpan.FromSeconds(100), TimeSpan.FromSeconds(10));

        scheduler.Cloud.Preempt(first.Intent!.Key);
        var second = await scheduler.UntilAsync(
            first.Id,
            record => record is { State: InstanceState.Running, Run: 2 } && record.PendingCleanups.IsEmpty,
            "the next run"
        );

        Assert.Equal("eu-north", second.Intent!.Offer.Region);
        await scheduler.PassAsync(TimeSpan.FromSeconds(50), TimeSpan.FromSeconds(10));
        await scheduler.StopAsync(first.Id);
        await scheduler.SettledAsync(first.Id, InstanceState.Stopped);
        Assert.Equal(
            [(1, 100L), (2, 50L)],
            (await scheduler.LedgerAsync(account))
                .Where(e => e.Kind == LedgerEntryKind.Usage)
                .Select(e => (e.Run, e.Seconds))
        );
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task Without_money_for_the_next_route_the_failure_remains()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync(euros: 1.3m);
        var id = await scheduler.CreateAsync(account, Rerouting);
        scheduler.Cloud.NextAllocate(AllocateAnswer.Reject(RejectionKind.OutOfStock, "sold out"));
        await scheduler.LaunchAsync(id);

        var failed = await scheduler.SettledAsync(id, InstanceState.Failed);

        Assert.Equal(FailureCode.ProviderRejected, failed.Failure!.Failure.Code);
        Assert.Single(scheduler.Cloud.Asked);
        Assert.Equal(MicroEuro.Zero, (await scheduler.MoneyAsync(account)).Holds);
        await scheduler.SoundAsync();
    }
}
