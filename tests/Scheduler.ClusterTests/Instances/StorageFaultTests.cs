using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>
/// A whole life, create to delete, with writes failing in ways that <see cref="EveryStepTests"/> does not reach, several in a row among
/// them: memory never runs ahead of the store, asking again is harmless, and the end is the same (INV-01 to INV-06).
/// </summary>
public sealed class StorageFaultTests
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    [Theory]
    [InlineData(FaultMoment.Before)]
    [InlineData(FaultMoment.After)]
    public async Task A_failed_write_of_what_all_instances_share_changes_nothing_but_the_time_it_takes(
        FaultMoment moment
    )
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
    public async Task Three_failed_writes_in_a_row_neither(FaultMoment moment)
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        scheduler.Faults.FailWrite("instance", moment, nth: 2, times: 3);
        scheduler.Faults.FailWrite("account", moment, nth: 2, times: 3);

        await LiveAsync(scheduler, account, scheduler.NewInstanceId());
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_launch_that_could_not_be_recorded_never_reaches_the_provider()
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
    public async Task A_launch_whose_answer_could_not_be_recorded_at_once_does_not_time_out()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        scheduler.Faults.FailWrite("instance", FaultMoment.Before, nth: 2);
        await scheduler.LaunchAsync(id);

        // Nobody asks the grain and no time passes: the failed write itself sees to it that the launch goes on.
        await Eventually.UntilAsync(
            () => scheduler.Grains.Fleet().ListInstancesAsync(new InstanceQuery()),
            page => page.Instances.Single().State == InstanceState.Running,
            "the launch goes on"
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

        // The first start is refused by the provider (which the repeated start may already tell), the second gets through.
        await InsistAsync(() => scheduler.LaunchAsync(id, "first"));
        await scheduler.SettledAsync(id, InstanceState.Failed, Tick);
        await InsistAsync(async () => TestScheduler.Good(await scheduler.LaunchAsync(id, "second")));
        var starting = await scheduler.UntilAsync(id, InstanceState.Starting, Tick);
        scheduler.Cloud.BecomeReady(starting.Intent!.Key);
        await scheduler.UntilAsync(id, InstanceState.Running, Tick);
        await Eventually.UntilAsync(
            () => AskAsync(() => scheduler.MoneyAsync(account)),
            money => money?.Running == 1,
            "the meter runs",
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

        // The name is free again, at the latest once the claim's grace is over.
        await scheduler.PassAsync(TimeSpan.FromSeconds(61), TimeSpan.FromSeconds(20));
        await InsistAsync(async () =>
            TestScheduler.Good(await scheduler.TryCreateAsync(account, scheduler.NewInstanceId(), name: "chat"))
        );
    }

    /// <summary>What a client does whose call failed: it sends the same command again.</summary>
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
