using Orleans.Storage;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.Grains.Agenda;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>
/// Two clusters on one store without knowledge of each other: each grain may have two activations. The etag of the
/// store fences them: one of two writes succeeds. The loser acts only on what it recorded, so it has called no
/// provider.
/// </summary>
public sealed class SplitBrainTests
{
    private const int Instances = 6;
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(200);

    [Fact]
    public async Task INV_01_and_05_two_activations_launch_and_bill_an_instance_once()
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
            // The account also has two activations. Their conflict can lose a launch on both sides, which is then
            // repeated.
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

        // The split has ended: one cluster remains and reads the true state.
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
    public async Task INV_03_a_stale_activation_removes_no_wake_up()
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

        // The stale activation sees the instance as stopped and waiting for nothing; it must not report this to the
        // agenda.
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
    public async Task INV_05_a_stale_account_activation_does_not_change_its_wake_up_time()
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

    /// <summary>Sends the same command to both clusters. Returns the number of acknowledgements.</summary>
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
            // This activation was fenced off.
            return null;
        }
    }
}
