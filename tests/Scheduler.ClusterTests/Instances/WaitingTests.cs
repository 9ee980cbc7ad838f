using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Grains;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>A launch without capacity waits for some, holds nothing, and is woken by offers that appear.</summary>
public sealed class WaitingTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromHours(1);
    private static readonly LaunchSpec Patient = Make.Spec() with { WaitForCapacity = Patience };

    [Fact]
    public async Task A_launch_without_stock_waits_and_runs_when_stock_appears()
    {
        await using var scheduler = await SoldOutAsync();
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account, Patient);

        var waiting = TestScheduler.Good(await scheduler.LaunchAsync(id));

        Assert.Equal(InstanceState.Waiting, waiting.State);
        Assert.Equal(FailureCode.SmartNoMatch, waiting.Failure!.Failure.Code);
        Assert.Equal(waiting.StateSince + Patience, waiting.Wait!.Until);
        Assert.Equal(waiting.Wait.Until, waiting.WakeAt);
        Assert.Equal(MicroEuro.Zero, (await scheduler.MoneyAsync(account)).Holds);
        var explained = TestScheduler.Good(await scheduler.Grains.Instance(id).ExplainAsync(account));
        Assert.True(explained.WouldWait);
        Assert.Equal((1, 1), (explained.Place!.Place, explained.Place.Of));
        Assert.Equal(waiting.Wait, explained.Wait);
        await scheduler.PassAsync(TimeSpan.FromMinutes(2), TimeSpan.FromSeconds(5));
        Assert.Equal(waiting.Generation, (await scheduler.SeeAsync(id)).Generation);

        await RestockAsync(scheduler, 1);
        var running = await scheduler.SettledAsync(id, InstanceState.Running, Second);

        Assert.Null(running.Wait);
        Assert.Null(running.Failure);
        Assert.Equal(
            [
                "Stopped→Checking by Start",
                "Checking→Waiting by NoCapacity",
                "Waiting→Checking by CapacityAppeared",
                "Checking→Provisioning by OfferChosen",
            ],
            (await scheduler.PathAsync(id))[..4]
        );
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_wait_that_ends_fails_with_the_last_reason()
    {
        await using var scheduler = await SoldOutAsync();
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account, Patient with { WaitForCapacity = TimeSpan.FromSeconds(90) });
        await scheduler.LaunchAsync(id);

        await scheduler.PassAsync(TimeSpan.FromSeconds(85), TimeSpan.FromSeconds(5));
        Assert.Equal(InstanceState.Waiting, (await scheduler.SeeAsync(id)).State);
        var failed = await scheduler.SettledAsync(id, InstanceState.Failed, Second);

        Assert.Equal(FailureCode.SmartNoMatch, failed.Failure!.Failure.Code);
        Assert.Equal("90", failed.Failure.Failure.Details["capacity_wait_seconds"]);
        Assert.NotEmpty(failed.Failure.Failure.Hint);
        Assert.Equal("Waiting→Failed by WaitEnded", (await scheduler.PathAsync(id))[^1]);
        await RestockAsync(scheduler, 1);
        await scheduler.PassAsync(TimeSpan.FromSeconds(20));
        Assert.Empty(scheduler.Cloud.Asked);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_stop_ends_the_wait_and_leaves_no_failure()
    {
        await using var scheduler = await SoldOutAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync(), Patient);
        await scheduler.LaunchAsync(id);

        var refused = await scheduler.LaunchAsync(id);
        var stopped = TestScheduler.Good(await scheduler.StopAsync(id));

        Assert.Equal(["Stop"], refused.Refusal!.Allowed);
        Assert.Equal(InstanceState.Stopped, stopped.State);
        Assert.Null(stopped.Wait);
        Assert.Null(stopped.Failure);
        await RestockAsync(scheduler, 1);
        await scheduler.PassAsync(TimeSpan.FromSeconds(20));
        Assert.Empty(scheduler.Cloud.Asked);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task Without_a_wait_in_its_spec_a_launch_fails_at_once()
    {
        await using var scheduler = await SoldOutAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());

        Assert.Equal(FailureCode.SmartNoMatch, (await scheduler.LaunchAsync(id)).Refusal!.Failure!.Code);
        Assert.Equal(InstanceState.Failed, (await scheduler.SeeAsync(id)).State);
    }

    [Fact]
    public async Task A_lack_of_money_does_not_wait_and_fails_a_launch_that_waited()
    {
        await using var scheduler = await SoldOutAsync();
        var poor = await scheduler.CreateAsync(await scheduler.AccountAsync("poor", euros: 0), Patient);
        Assert.Equal(FailureCode.BillingBelowMinimum, (await scheduler.LaunchAsync(poor)).Refusal!.Failure!.Code);

        var account = await scheduler.AccountAsync(euros: 1.1m);
        var id = await scheduler.CreateAsync(account, Patient);
        Assert.Equal(InstanceState.Waiting, TestScheduler.Good(await scheduler.LaunchAsync(id)).State);
        await RestockAsync(scheduler, 1);

        var failed = await scheduler.SettledAsync(id, InstanceState.Failed, Second);
        Assert.Equal(FailureCode.BillingBelowMinimum, failed.Failure!.Failure.Code);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_provider_without_an_answer_leads_to_a_wait_until_its_route_has_cooled_down()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
        {
            s.Options.Launch.RouteCooldown = TimeSpan.FromSeconds(30);
            s.AddProvider("cloud").Offers = [Make.Offer()];
        });
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account, Patient);
        scheduler.Cloud.NextAllocate(AllocateAnswer.Hang);
        await scheduler.LaunchAsync(id);

        var waiting = await scheduler.SettledAsync(id, InstanceState.Waiting, Second);
        Assert.Equal(FailureCode.ProviderTimeout, waiting.Failure!.Failure.Code);
        Assert.Equal(MicroEuro.Zero, (await scheduler.MoneyAsync(account)).Holds);
        Assert.Empty(scheduler.Cloud.Held);

        scheduler.Cloud.NextAllocate(AllocateAnswer.Reject(RejectionKind.OutOfStock, "sold out"));
        await scheduler.UntilAsync(id, record => record.Run == 2, "a second attempt is made", Second);
        var again = await scheduler.SettledAsync(id, InstanceState.Waiting, Second);
        Assert.Equal(FailureCode.ProviderRejected, again.Failure!.Failure.Code);
        Assert.Equal(waiting.Wait, again.Wait);
        Assert.True(again.StateSince - waiting.StateSince >= scheduler.Options.Launch.RouteCooldown);

        var running = await scheduler.SettledAsync(id, InstanceState.Running, Second);
        Assert.Equal(3, running.Run);
        Assert.Equal(3, scheduler.Cloud.Asked.Length);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_launch_that_may_wait_takes_the_next_route_at_once_if_there_is_one()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync(), Patient);
        scheduler.Cloud.NextAllocate(AllocateAnswer.Reject(RejectionKind.OutOfStock, "sold out"));
        await scheduler.LaunchAsync(id);

        var running = await scheduler.SettledAsync(id, InstanceState.Running);

        Assert.Equal("eu-north", running.Intent!.Offer.Region);
        Assert.Equal(
            [
                "Provisioning→Waiting by NoCapacity",
                "Waiting→Checking by CapacityAppeared",
                "Checking→Provisioning by OfferChosen",
            ],
            (await scheduler.PathAsync(id))[2..5]
        );
        Assert.Equal(running.Intent.Hold, (await scheduler.MoneyAsync(running.Account)).Holds);
        await scheduler.SoundAsync();
    }

    [Theory]
    [InlineData(RejectionKind.InvalidRequest)]
    [InlineData(RejectionKind.Quota)]
    public async Task A_rejection_that_time_does_not_cure_fails(RejectionKind kind)
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync(), Patient);
        scheduler.Cloud.Otherwise = AllocateAnswer.Reject(kind, "no");
        await scheduler.LaunchAsync(id);

        Assert.Null((await scheduler.SettledAsync(id, InstanceState.Failed)).Wait);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task Stock_wakes_as_many_as_it_has_machines_in_the_order_of_waiting()
    {
        await using var scheduler = await SoldOutAsync();
        var account = await scheduler.AccountAsync(euros: 1000);
        var other = await scheduler.AccountAsync("b", euros: 1000);
        var waiting = new List<InstanceId>();
        for (var i = 0; i < 12; i++)
        {
            // Created in the other order than started.
            waiting.Insert(0, await scheduler.CreateAsync(i % 2 == 0 ? account : other, Patient));
        }

        var before = new List<InstanceRecord>();
        foreach (var id in waiting)
        {
            before.Add(TestScheduler.Good(await scheduler.LaunchAsync(id)));
            scheduler.Clock.Advance(Second);
        }

        var place = await scheduler.Grains.Fleet().WaitingPlaceAsync(account, waiting[3]);
        Assert.Equal((2, 6), (place!.Place, place.Of));
        Assert.Null(await scheduler.Grains.Fleet().WaitingPlaceAsync(other, waiting[3]));

        scheduler.Cloud.Offers = [Make.Offer(available: 3)];
        await scheduler.Grains.Provider(scheduler.Cloud.Id).RefreshAsync();
        foreach (var id in waiting[..3])
        {
            await scheduler.UntilAsync(id, InstanceState.Running, Second);
        }

        await scheduler.PassAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(3, scheduler.Cloud.Asked.Length);
        for (var i = 3; i < waiting.Count; i++)
        {
            Assert.Equal(before[i].Generation, (await scheduler.SeeAsync(waiting[i])).Generation);
        }

        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task Stock_that_the_constraints_exclude_wakes_nothing()
    {
        await using var scheduler = await SoldOutAsync();
        var spec = Patient with { Constraints = new SmartConstraints { Regions = ["eu-west"] } };
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync(), spec);
        await scheduler.LaunchAsync(id);

        scheduler.Cloud.Offers = [Make.Offer(available: 0), Make.Offer(region: "us-east", available: 50)];
        await scheduler.Grains.Provider(scheduler.Cloud.Id).RefreshAsync();
        await scheduler.PassAsync(TimeSpan.FromSeconds(20));
        Assert.Equal(InstanceState.Waiting, (await scheduler.SeeAsync(id)).State);

        await RestockAsync(scheduler, 1);
        await scheduler.SettledAsync(id, InstanceState.Running, Second);
        await scheduler.SoundAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task INV_03_stock_that_appears_while_the_silo_is_down_wakes_after_the_restart(bool isWaitOver)
    {
        await using var scheduler = await SoldOutAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync(), Patient);
        await scheduler.LaunchAsync(id);

        await scheduler.CrashAsync();
        scheduler.Clock.Advance(isWaitOver ? Patience : TimeSpan.FromMinutes(5));
        scheduler.Cloud.Offers = [Make.Offer(available: 1)];
        await scheduler.StartSilosAsync();

        await scheduler.SettledAsync(id, isWaitOver ? InstanceState.Failed : InstanceState.Running, Second);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task Stock_wakes_an_instance_on_another_silo()
    {
        await using var scheduler = await TestScheduler.DeployAsync(
            s => s.AddProvider("cloud").Offers = [Make.Offer(available: 0)],
            silos: 2
        );
        var account = await scheduler.AccountAsync();
        var all = new List<InstanceId>();
        for (var i = 0; i < 6; i++)
        {
            all.Add(await scheduler.CreateAsync(account, Patient));
            await scheduler.UntilAsync(all[^1], InstanceState.Stopped);
            Assert.Equal(InstanceState.Waiting, TestScheduler.Good(await scheduler.LaunchAsync(all[^1])).State);
        }

        await RestockAsync(scheduler, all.Count);
        foreach (var id in all)
        {
            await scheduler.SettledAsync(id, InstanceState.Running, Second);
        }

        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_provider_that_is_back_in_placement_wakes_what_waits_for_it()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync(), Patient);
        var cloud = scheduler.Grains.Provider(scheduler.Cloud.Id);
        TestScheduler.Good(await cloud.DrainAsync("maintenance", scheduler.As(null)));
        Assert.Equal(InstanceState.Waiting, TestScheduler.Good(await scheduler.LaunchAsync(id)).State);
        await scheduler.PassAsync(TimeSpan.FromSeconds(30));

        TestScheduler.Good(await cloud.UndrainAsync(scheduler.As(null)));

        await scheduler.SettledAsync(id, InstanceState.Running, Second);
        await scheduler.SoundAsync();
    }

    private static Task<TestScheduler> SoldOutAsync() =>
        TestScheduler.DeployAsync(s => s.AddProvider("cloud").Offers = [Make.Offer(available: 0)]);

    private static async Task RestockAsync(TestScheduler scheduler, int available)
    {
        scheduler.Cloud.Offers = [Make.Offer(available: available)];
        await scheduler.Grains.Provider(scheduler.Cloud.Id).RefreshAsync();
    }
}
