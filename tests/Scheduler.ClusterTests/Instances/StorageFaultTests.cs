using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>
/// A complete lifecycle, from create to delete, with write failures that <see cref="EveryStepTests"/> does not cover,
/// several consecutive ones among them. The state in memory is never ahead of the store, a repeated command is
/// harmless, and the final state is the same (INV-01 to INV-06).
/// </summary>
public sealed class StorageFaultTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    [Theory]
    [InlineData(FaultMoment.Before)]
    [InlineData(FaultMoment.After)]
    public async Task A_failed_write_of_shared_state_only_delays_the_result(FaultMoment moment)
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        scheduler.Faults.FailWrite("provider", moment);

        await LiveAsync(scheduler, account, scheduler.NewInstanceId());
        Assert.Equal(1, scheduler.Faults.Failed);
        await scheduler.SoundAsync();
    }

    [Theory]
    [InlineData(FaultMoment.Before)]
    [InlineData(FaultMoment.After)]
    public async Task Three_consecutive_failed_writes_only_delay_the_result(FaultMoment moment)
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        scheduler.Faults.FailWrite("instance", moment, nth: 2, times: 3);
        scheduler.Faults.FailWrite("account", moment, nth: 2, times: 3);

        await LiveAsync(scheduler, account, scheduler.NewInstanceId());
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task An_unrecorded_launch_never_reaches_the_provider()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        scheduler.Faults.FailWrite("instance", FaultMoment.Before);

        await Assert.ThrowsAnyAsync<Exception>(() => scheduler.LaunchAsync(id));

        Assert.Equal(InstanceState.Stopped, (await scheduler.SeeAsync(id)).State);
        Assert.Empty(scheduler.Cloud.Asked);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_launch_whose_result_is_recorded_on_retry_does_not_time_out()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        scheduler.Faults.FailWrite("instance", FaultMoment.Before, nth: 2);
        await scheduler.LaunchAsync(id);

        // No call and no passing time is needed: the grain itself retries after the failed write, and the launch
        // continues.
        await Eventually.UntilAsync(
            () => scheduler.Grains.Fleet().ListInstancesAsync(new InstanceQuery()),
            page => page.Instances.Single().State == InstanceState.Running,
            "the launch continues"
        );
        await scheduler.SoundAsync();
    }

    private static async Task LiveAsync(TestScheduler scheduler, AccountId account, InstanceId id)
    {
        await InsistAsync(async () => TestScheduler.Good(await scheduler.TryCreateAsync(account, id, name: "chat")));
        scheduler.Cloud.AnswerFor = key =>
            key.Value.EndsWith("-r1-a1", StringComparison.Ordinal)
                ? AllocateAnswer.Reject(Domain.Providers.RejectionKind.OutOfStock, "sold out")
                : AllocateAnswer.SucceedBooting;

        // The provider refuses the first start, which the repeated start may already report; the second one succeeds.
        await InsistAsync(() => scheduler.LaunchAsync(id, "first"));
        await scheduler.SettledAsync(id, InstanceState.Failed, Tick);
        await InsistAsync(async () => TestScheduler.Good(await scheduler.LaunchAsync(id, "second")));
        var starting = await scheduler.UntilAsync(id, InstanceState.Starting, Tick);
        scheduler.Cloud.BecomeReady(starting.Intent!.Key);
        await scheduler.UntilAsync(id, InstanceState.Running, Tick);
        await Eventually.UntilAsync(
            () => AskAsync(() => scheduler.MoneyAsync(account)),
            money => money?.Running == 1,
            "the run is metered",
            scheduler.Clock,
            Tick
        );
        await scheduler.PassAsync(TimeSpan.FromSeconds(30), TimeSpan.FromSeconds(5));
        await InsistAsync(async () => TestScheduler.Good(await scheduler.StopAsync(id, "stop")));
        await scheduler.SettledAsync(id, InstanceState.Stopped, Tick);
        Assert.Empty(scheduler.Cloud.Held);
        var money = await Eventually.UntilAsync(
            () => AskAsync(() => scheduler.MoneyAsync(account)),
            money => money is not null,
            "the account answers"
        );
        Assert.Equal((MicroEuro.Zero, MicroEuro.Zero), (money!.Holds, money.Accrued));
        await InsistAsync(async () => TestScheduler.Good(await scheduler.DeleteAsync(id)));

        // The name is free again, at the latest after the grace period of the claim.
        await scheduler.PassAsync(TimeSpan.FromSeconds(61), TimeSpan.FromSeconds(20));
        await InsistAsync(async () =>
            TestScheduler.Good(await scheduler.TryCreateAsync(account, scheduler.NewInstanceId(), name: "chat"))
        );
    }

    /// <summary>A client whose call failed sends the same command again.</summary>
    private static async Task InsistAsync(Func<Task> command)
    {
        const int Tries = 15;
        for (var left = Tries; ; left--)
        {
            try
            {
                await command();
                return;
            }
            catch (Exception exception)
                when (left > 1 && exception is not InvalidOperationException { Message: ['R', ..] })
            {
                await Task.Delay(
                    TimeSpan.FromMilliseconds(20),
                    TimeProvider.System,
                    TestContext.Current.CancellationToken
                );
            }
        }
    }

    private static async Task<T?> AskAsync<T>(Func<Task<T>> question)
        where T : class
    {
        try
        {
            return await question();
        }
        catch (Exception exception) when (exception is not InvalidOperationException { Message: ['R', ..] })
        {
            return null;
        }
    }
}
