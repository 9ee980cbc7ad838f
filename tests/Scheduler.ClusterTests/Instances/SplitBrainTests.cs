using Orleans.Storage;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.Grains.Agenda;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>
/// Two clusters on one store, neither knowing of the other: each grain may be active twice. The store's etag is the fence: one of two
/// writes wins, and the loser, which acts only on what it recorded, has asked nobody for anything.
/// </summary>
public sealed class SplitBrainTests
{
    private const int Instances = 6;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(200);

    [Fact]
    public async Task INV_01_and_05_two_activations_of_one_instance_launch_it_once_and_bill_it_once()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        await using (var other = await scheduler.SplitAsync())
        {
            var ids = new List<Domain.Ids.InstanceId>();
            for (var i = 0; i < Instances; i++)
            {
                ids.Add(await scheduler.CreateAsync(account));
                Assert.True((await other.Client.Instance(ids[i]).GetAsync(null)).IsOk);
            }

            Assert.True((await other.Client.Account(account).GetAsync(null)).IsOk);
            var won = await Task.WhenAll(
                ids.Select(id =>
                    BothAsync(
                        () => scheduler.LaunchAsync(id),
                        () => other.Client.Instance(id).StartAsync(scheduler.As(null))
                    )
                )
            );
            // One account is active twice as well: where its two fought, a launch may have been lost on both sides, and is asked for again.
            Assert.All(won, winners => Assert.InRange(winners, 0, 1));
            Assert.Contains(1, won);

            await scheduler.PassAsync(TimeSpan.FromSeconds(20), Tick);
            await Task.WhenAll(
                ids.Select(id =>
                    BothAsync(
                        () => scheduler.StopAsync(id),
                        () => other.Client.Instance(id).StopAsync(scheduler.As(null))
                    )
                )
            );
            await scheduler.PassAsync(TimeSpan.FromSeconds(10), Tick);
        }

        // The cut is healed: one cluster is left, and reads what is true.
        await scheduler.CrashAndRestartAsync();
        await scheduler.PassAsync(TimeSpan.FromSeconds(40), Tick);
        foreach (var made in scheduler.Cloud.Made.GroupBy(key => key.Value.Split("-r")[0], StringComparer.Ordinal))
        {
            Assert.Single(made);
        }

        await scheduler.SoundAsync();
        var records = await scheduler.Grains.Fleet().ListInstancesAsync(new InstanceQuery());
        foreach (var record in records.Instances.Where(record => record.State == InstanceState.Running))
        {
            TestScheduler.Good(await scheduler.StopAsync(record.Id));
            await scheduler.SettledAsync(record.Id, InstanceState.Stopped, Tick);
        }

        await scheduler.SoundAsync();
        Assert.Empty(scheduler.Cloud.Held);
        var money = await scheduler.MoneyAsync(account);
        Assert.Equal((MicroEuro.Zero, MicroEuro.Zero), (money.Holds, money.Accrued));
    }

    [Fact]
    public async Task INV_03_an_activation_with_an_old_memory_ends_no_wake_up()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        await using var other = await scheduler.SplitAsync();
        var id = await scheduler.CreateAsync(account);
        Assert.Equal(InstanceState.Stopped, (await other.Client.Instance(id).GetAsync(null)).Value!.State);
        scheduler.Cloud.IsSilent = true;
        scheduler.Cloud.NextAllocate(AllocateAnswer.SucceedBooting);
        TestScheduler.Good(await scheduler.LaunchAsync(id));
        await scheduler.UntilAsync(id, InstanceState.Starting);

        // There it is still stopped, and waits for nothing; that must not be what the agenda is told.
        var stale = other.Client.GetGrain<IWakeable>(GrainId.Create("instance", id.Value));
        Assert.NotNull(await stale.WakeAsync());

        var fresh = await Eventually.UntilAsync(
            () => other.Client.Instance(id).GetAsync(null),
            answer => answer.Value!.State == InstanceState.Starting,
            "the second activation reads what is true"
        );
        Assert.True(fresh.IsOk);
    }

    [Fact]
    public async Task INV_05_an_account_with_an_old_memory_says_nothing_of_when_it_is_to_be_woken()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        await using var other = await scheduler.SplitAsync();
        Assert.True((await other.Client.Account(account).GetAsync(null)).IsOk);
        await scheduler.TopUpAsync(account, Make.Euros(5), "more");

        var stale = other.Client.GetGrain<IWakeable>(GrainId.Create("account", account.Value));
        await Assert.ThrowsAsync<InconsistentStateException>(() => stale.WakeAsync());

        var fresh = await Eventually.UntilAsync(
            () => AskAsync(() => other.Client.Account(account).GetAsync(null)),
            answer => answer is not null,
            "the second activation reads what is true"
        );
        Assert.Equal((await scheduler.MoneyAsync(account)).Balance, fresh!.Value!.Balance);
    }

    /// <summary>The same command to both at once; how many were told that it is done.</summary>
    private static async Task<int> BothAsync(
        Func<Task<Answer<InstanceRecord>>> one,
        Func<Task<Answer<InstanceRecord>>> other
    )
    {
        var answers = await Task.WhenAll(AskAsync(one), AskAsync(other));
        return answers.Count(answer => answer is { IsOk: true });
    }

    private static async Task<T?> AskAsync<T>(Func<Task<T>> question)
        where T : class
    {
        try
        {
            return await question();
        }
        catch (Exception exception)
            when (exception is InconsistentStateException or InvalidOperationException or OrleansException)
        {
            // Fenced off: this one lost.
            return null;
        }
    }
}
