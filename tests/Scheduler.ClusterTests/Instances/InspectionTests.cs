using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Instances;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>Methods that Orleans' own dashboard calls for any id that its user types.</summary>
public sealed class InspectionTests
{
    [Fact]
    public async Task Inspecting_an_instance_and_its_account_shows_their_state_and_changes_nothing()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var running = await scheduler.RunningAsync(account);

        var instance = await scheduler.Grains.GetGrain<IInspectedInstance>(running.Id.Value).GetState();
        var money = await scheduler.Grains.GetGrain<IInspectedAccount>(account.Value).GetState();

        Assert.Equal(nameof(InstanceState.Running), instance.State);
        Assert.Equal(
            (running.Generation, running.Run, running.Attempt),
            (instance.Generation, instance.Run, instance.Attempt)
        );
        Assert.Equal(1, money.Metered);
        Assert.Equal("100.00", money.Balance);
        Assert.Equal(running.Generation, (await scheduler.SeeAsync(running.Id)).Generation);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task Inspecting_an_unknown_id_creates_nothing()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = new InstanceId("i-aaaaaaaaaaaaaaaaaaaa");

        var instance = await scheduler.Grains.GetGrain<IInspectedInstance>(id.Value).GetState();
        var account = await scheduler.Grains.GetGrain<IInspectedAccount>("acct-nobody").GetState();

        Assert.False(instance.Exists);
        Assert.False(account.Exists);
        Assert.Equal(0, scheduler.Faults.Writes("instance"));
        Assert.Equal(0, scheduler.Faults.Writes("account"));
    }
}
