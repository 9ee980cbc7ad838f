using Microsoft.Extensions.DependencyInjection;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains.Health;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Billing;

/// <summary>The wall clocks of the silos' machines are set while runs are metered and launches wait.</summary>
public sealed class ClockStepTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Ten = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData(-24 * 60, false)]
    [InlineData(24 * 60, false)]
    [InlineData(-24 * 60, true)]
    [InlineData(24 * 60, true)]
    public async Task INV_05_a_run_over_a_step_is_billed_what_it_ran_and_every_command_works(int minutes, bool onlyOne)
    {
        await using var scheduler = await TestScheduler.DeployAsync(_ => { }, silos: (short)(onlyOne ? 2 : 1));
        var account = await scheduler.AccountAsync();
        var before = await RunningAsync(scheduler, account, 3);
        await scheduler.PassAsync(Ten, Second);

        scheduler.SetWallClocks(TimeSpan.FromMinutes(minutes), onlyOne ? [0] : []);

        // These grains activate after the step.
        var other = await scheduler.AccountAsync("b");
        var after = await RunningAsync(scheduler, other, 3);
        await scheduler.PassAsync(Ten, Second);
        foreach (var id in before.Concat(after))
        {
            TestScheduler.Good(await scheduler.StopAsync(id));
            await scheduler.SettledAsync(id, InstanceState.Stopped);
        }

        Assert.Equal([20L, 20L, 20L], await BilledAsync(scheduler, account));
        Assert.Equal([10L, 10L, 10L], await BilledAsync(scheduler, other));
        Assert.Equal(MicroEuro.Zero, (await scheduler.MoneyAsync(account)).Holds);
        await scheduler.SoundAsync();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task INV_05_a_run_over_a_step_and_a_restart_is_billed_what_it_ran(int days)
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var running = await RunningAsync(scheduler, account, 1);
        await scheduler.PassAsync(Ten, Second);
        await StepAsync(scheduler, TimeSpan.FromDays(days));

        await scheduler.CrashAsync();
        scheduler.Clock.Advance(Ten);
        await scheduler.StartSilosAsync();
        await scheduler.PassAsync(Ten, Second);
        TestScheduler.Good(await scheduler.StopAsync(running[0]));
        await scheduler.SettledAsync(running[0], InstanceState.Stopped);

        var stopped = await scheduler.SeeAsync(running[0]);
        var ran = scheduler.Clock.GetUtcNow() - TestScheduler.Noon;
        Assert.Equal([(long)ran.TotalSeconds], await BilledAsync(scheduler, account));
        Assert.Equal(scheduler.Clock.GetUtcNow(), stopped.RunningUntil);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_deadline_keeps_what_was_left_of_it_over_a_restart_with_an_earlier_clock()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        scheduler.Cloud.Otherwise = AllocateAnswer.Hang;
        var id = await scheduler.CreateAsync(account);
        TestScheduler.Good(await scheduler.LaunchAsync(id));
        await scheduler.PassAsync(Ten, Second);

        await scheduler.CrashAsync();
        scheduler.WallOffset = TimeSpan.FromDays(-1);
        await scheduler.StartSilosAsync();
        var failed = await scheduler.UntilAsync(id, InstanceState.Failed, Second);

        Assert.Equal(FailureCode.ProviderTimeout, failed.Failure!.Failure.Code);
        Assert.InRange((failed.StateSince - TestScheduler.Noon).TotalSeconds, 55, 75);
    }

    [Fact]
    public async Task A_start_while_nothing_runs_follows_the_wall_clock()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        await scheduler.AccountAsync();
        await StepAsync(scheduler, TimeSpan.FromDays(-1));

        await scheduler.CrashAsync();
        scheduler.Clock.Advance(TimeSpan.FromMinutes(1));
        await scheduler.StartSilosAsync();

        await scheduler.AccountAsync("b");
        var created = (await scheduler.MoneyAsync(Make.Account("b"))).CreatedAt;
        Assert.Equal(scheduler.Clock.GetUtcNow() - TimeSpan.FromDays(1), created);
    }

    /// <summary>Sets all wall clocks and waits until the store has noted it.</summary>
    private static async Task StepAsync(TestScheduler scheduler, TimeSpan offset)
    {
        scheduler.SetWallClocks(offset);
        var keeper = scheduler.Services.GetRequiredService<ClockKeeper>();
        await Eventually.UntilAsync(
            async () =>
            {
                await scheduler.PassAsync(Second, Second);
                return keeper.Latest;
            },
            seen => seen?.Ahead == -offset,
            "the step is noted"
        );
    }

    private static async Task<List<InstanceId>> RunningAsync(TestScheduler scheduler, AccountId account, int count)
    {
        var ids = new List<InstanceId>();
        for (var i = 0; i < count; i++)
        {
            ids.Add((await scheduler.RunningAsync(account)).Id);
        }

        await Eventually.UntilAsync(
            () => scheduler.MoneyAsync(account),
            money => money.Running == count,
            $"{count} meters run"
        );
        return ids;
    }

    private static async Task<IEnumerable<long>> BilledAsync(TestScheduler scheduler, AccountId account) =>
        (await scheduler.LedgerAsync(account))
            .Where(entry => entry.Kind == LedgerEntryKind.Usage)
            .GroupBy(entry => entry.Instance)
            .Select(entries => entries.Sum(entry => entry.Seconds));
}
