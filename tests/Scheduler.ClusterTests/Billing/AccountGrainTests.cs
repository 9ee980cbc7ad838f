using Microsoft.Extensions.DependencyInjection;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.Grains.Billing;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Billing;

public sealed class AccountGrainTests
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task INV_06_fifty_parallel_launches_never_hold_a_euro_twice()
    {
        await using var scheduler = await TestScheduler.DeployAsync();

        // Enough for seven holds of 1.20 EUR, not for eight.
        var account = await scheduler.AccountAsync(euros: 8.5m);
        scheduler.Cloud.Otherwise = AllocateAnswer.Hang;
        var ids = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => scheduler.CreateAsync(account)));

        var answers = await Task.WhenAll(ids.Select(id => scheduler.LaunchAsync(id)));

        Assert.Equal(7, answers.Count(answer => answer.IsOk));
        Assert.All(
            answers.Where(answer => !answer.IsOk),
            answer => Assert.Equal(FailureCode.BillingBelowMinimum, answer.Refusal!.Failure!.Code)
        );
        var money = await scheduler.MoneyAsync(account);
        Assert.Equal(Make.Euros(8.4m), money.Holds);
        Assert.True(money.Available >= MicroEuro.Zero);
        await Task.WhenAll(ids.Where((_, i) => answers[i].IsOk).Select(id => scheduler.StopAsync(id)));
        await Eventually.UntilAsync(
            () => scheduler.MoneyAsync(account),
            seen => seen.Holds == MicroEuro.Zero,
            "every hold is released"
        );
    }

    [Fact]
    public async Task Five_hundred_concurrent_holds_share_a_few_writes()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync(euros: 10_000m);
        var before = scheduler.Faults.Writes("account");
        var grain = scheduler.Grains.Account(account);

        var answers = await Task.WhenAll(
            Enumerable
                .Range(1, 500)
                .Select(i =>
                    grain.TakeHoldAsync(
                        new TakeHold(new InstanceId($"i-{i}"), 1, Make.Euros(1), TestScheduler.Noon + Minute, default)
                    )
                )
        );

        Assert.All(answers, answer => Assert.True(answer.Taken));
        Assert.Equal(Make.Euros(500), (await scheduler.MoneyAsync(account)).Holds);
        Assert.InRange(scheduler.Faults.Writes("account") - before, 1, 100);
    }

    [Fact]
    public async Task INV_05_a_top_up_is_entered_once_per_reference()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync(euros: 0);

        var answers = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => scheduler.TopUpAsync(account, Make.Euros(5), "invoice-1"))
        );
        await scheduler.CrashAndRestartAsync();
        var later = await scheduler.TopUpAsync(account, Make.Euros(5), "invoice-1");

        Assert.Single(answers, answer => !answer.Repeated);
        Assert.True(later.Repeated);
        Assert.Equal(Make.Euros(5), (await scheduler.MoneyAsync(account)).Balance);
        var other = await scheduler.Grains.Account(account).TopUpAsync(Make.Euros(6), "invoice-1", scheduler.As(null));
        Assert.Equal(RefusalKind.AlreadyExists, other.Refusal!.Kind);
    }

    [Fact]
    public async Task A_failing_command_does_not_affect_the_other_commands()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync(euros: 10m);
        var grain = scheduler.Grains.Account(account);

        var absurd = grain.TopUpAsync(new MicroEuro(long.MaxValue), "absurd", scheduler.As(null));
        var sound = Enumerable
            .Range(0, 10)
            .Select(i => grain.TopUpAsync(Make.Euros(1), $"sound-{i}", scheduler.As(null)))
            .ToList();

        await Assert.ThrowsAnyAsync<Exception>(() => absurd);
        Assert.All(await Task.WhenAll(sound), answer => Assert.True(answer.IsOk));
        Assert.Equal(Make.Euros(20), (await scheduler.MoneyAsync(account)).Balance);
    }

    [Fact]
    public async Task BALANCE_EXHAUSTED_follows_a_warning_and_the_hinted_top_up_allows_a_launch()
    {
        await using var scheduler = await TestScheduler.DeployAsync();

        // 2.40 EUR last two hours at 1.20 EUR/h.
        var account = await scheduler.AccountAsync(euros: 2.4m);
        var running = await scheduler.RunningAsync(account);
        await MeteredAsync(scheduler, account, 1);
        await scheduler.PassAsync(TimeSpan.FromMinutes(59), Minute);
        Assert.DoesNotContain("LowBalance", await EventsAsync(scheduler, account));
        await scheduler.PassAsync(TimeSpan.FromMinutes(2), Minute);
        await UntilEventAsync(scheduler, account, "LowBalance");
        Assert.Equal(InstanceState.Running, (await scheduler.SeeAsync(running.Id)).State);

        await scheduler.PassAsync(TimeSpan.FromMinutes(58), Minute);
        Assert.Equal(InstanceState.Running, (await scheduler.SeeAsync(running.Id)).State);
        await scheduler.PassAsync(TimeSpan.FromMinutes(1), TimeSpan.FromSeconds(1));
        var failed = await scheduler.SettledAsync(running.Id, InstanceState.Failed);

        var failure = failed.Failure!.Failure;
        Assert.Equal(FailureCode.BalanceExhausted, failure.Code);
        Assert.InRange((failed.RunningUntil - failed.RunningSince)!.Value.TotalSeconds, 7200, 7202);
        Assert.Single(await EventsAsync(scheduler, account), "LowBalance");
        Assert.Single(await EventsAsync(scheduler, account), "BalanceExhausted");
        var missing = new MicroEuro(
            long.Parse(failure.Details["top_up_micro_eur"], System.Globalization.CultureInfo.InvariantCulture)
        );
        await scheduler.TopUpAsync(account, missing, "hinted");
        Assert.True((await scheduler.LaunchAsync(running.Id)).IsOk);
        await scheduler.UntilAsync(running.Id, InstanceState.Running);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_timely_top_up_keeps_instances_running_and_allows_a_second_warning()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync(euros: 2.4m);
        var running = await scheduler.RunningAsync(account);
        await MeteredAsync(scheduler, account, 1);
        await scheduler.PassAsync(TimeSpan.FromMinutes(100), Minute);
        await scheduler.TopUpAsync(account, Make.Euros(1.2m), "rescue");

        await scheduler.PassAsync(TimeSpan.FromMinutes(50), Minute);
        Assert.Equal(InstanceState.Running, (await scheduler.SeeAsync(running.Id)).State);
        await scheduler.PassAsync(TimeSpan.FromMinutes(31), Minute);
        await scheduler.SettledAsync(running.Id, InstanceState.Failed);

        Assert.Equal(2, (await EventsAsync(scheduler, account)).Count(e => e == "LowBalance"));
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task With_grace_instances_run_below_zero_for_the_grace_period_only()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync(euros: 1.2m, grace: TimeSpan.FromMinutes(30));
        var running = await scheduler.RunningAsync(account);
        await MeteredAsync(scheduler, account, 1);

        await scheduler.PassAsync(TimeSpan.FromMinutes(85), Minute);
        Assert.Equal(InstanceState.Running, (await scheduler.SeeAsync(running.Id)).State);
        Assert.True((await scheduler.MoneyAsync(account)).Available < MicroEuro.Zero);
        Assert.Contains("BalanceExhausted", await EventsAsync(scheduler, account));
        await scheduler.PassAsync(TimeSpan.FromMinutes(6), TimeSpan.FromSeconds(10));
        var failed = await scheduler.SettledAsync(running.Id, InstanceState.Failed);

        Assert.Equal(FailureCode.BalanceExhausted, failed.Failure!.Failure.Code);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task An_exhausted_balance_is_detected_after_scheduler_downtime()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync(euros: 1.2m);
        var running = await scheduler.RunningAsync(account);
        await MeteredAsync(scheduler, account, 1);

        await scheduler.CrashAsync();
        scheduler.Clock.Advance(TimeSpan.FromHours(2));
        await scheduler.StartSilosAsync();
        var failed = await scheduler.SettledAsync(running.Id, InstanceState.Failed, TimeSpan.FromMilliseconds(100));

        Assert.Equal(FailureCode.BalanceExhausted, failed.Failure!.Failure.Code);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task INV_05_hourly_settlements_add_up_to_the_run_time_in_seconds()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var running = await scheduler.RunningAsync(account);
        await MeteredAsync(scheduler, account, 1);

        await scheduler.PassAsync(TimeSpan.FromHours(3) + TimeSpan.FromSeconds(7), TimeSpan.FromSeconds(90));
        await scheduler.StopAsync(running.Id);
        await scheduler.SettledAsync(running.Id, InstanceState.Stopped);

        var usage = (await scheduler.LedgerAsync(account)).Where(e => e.Kind == LedgerEntryKind.Usage).ToList();
        Assert.Equal(4, usage.Count);
        Assert.Equal(10_807, usage.Sum(entry => entry.Seconds));
        Assert.Equal(
            -Usage.Cost(Make.CheapestPrice, 10_807),
            usage.Aggregate(MicroEuro.Zero, (sum, entry) => sum + entry.Amount)
        );
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task INV_08_another_account_reads_as_not_found()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var mine = await scheduler.AccountAsync("mine");
        var otherAccount = await scheduler.AccountAsync("other");

        var there = (await scheduler.Grains.Account(mine).GetAsync(otherAccount)).Refusal!;
        var nowhere = (await scheduler.Grains.Account(Make.Account("never")).GetAsync(otherAccount)).Refusal!;

        Assert.Equal(RefusalKind.NotFound, there.Kind);
        Assert.Equal(
            nowhere.Message.Replace("acct-never", "*", StringComparison.Ordinal),
            there.Message.Replace("acct-mine", "*", StringComparison.Ordinal)
        );
        var topUp = await scheduler.Grains.Account(mine).TopUpAsync(Make.Euros(1), "x", scheduler.As(otherAccount));
        Assert.Equal(RefusalKind.NotFound, topUp.Refusal!.Kind);
        Assert.Equal(
            RefusalKind.NotFound,
            (await scheduler.Grains.Account(Make.Account("never")).TopUpAsync(Make.Euros(1), "x", scheduler.As(null)))
                .Refusal!
                .Kind
        );
    }

    private static async Task MeteredAsync(TestScheduler scheduler, AccountId account, int running) =>
        await Eventually.UntilAsync(
            () => scheduler.MoneyAsync(account),
            money => money.Running == running,
            $"{running} meters run"
        );

    private static async Task<IReadOnlyList<string>> EventsAsync(TestScheduler scheduler, AccountId account) =>
        [
            .. (
                await scheduler
                    .Services.GetRequiredService<IEventLog>()
                    .ReadAsync("account", account.Value, 0, 1000, CancellationToken.None)
            ).Select(e => e.Trigger),
        ];

    private static async Task UntilEventAsync(TestScheduler scheduler, AccountId account, string trigger) =>
        await Eventually.UntilAsync(
            () => EventsAsync(scheduler, account),
            events => events.Contains(trigger),
            $"{trigger} is noted"
        );

    /// <summary>
    /// A gateway may use an answer for <see cref="IAccountGrain.FirewallLease"/>; here the clock stands still, so an
    /// answer before the attach never becomes too old by itself.
    /// </summary>
    [Fact]
    public async Task INV_10_a_firewall_is_acknowledged_once_no_gateway_uses_an_older_answer()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var grain = scheduler.Grains.Account(account);
        scheduler.Clock.Advance(Minute);
        Assert.Null((await grain.GetAsync(account)).Value!.Firewall);

        var attached = grain.UpdateAsync(new UpdateAccount(null, null, null, "strict"), scheduler.As(null));

        // A new reader gets the firewall before the acknowledgement.
        await Eventually.UntilAsync(
            () => grain.GetAsync(account),
            seen => seen.Value!.Firewall == "strict",
            "the firewall is recorded"
        );
        Assert.False(attached.IsCompleted);
        scheduler.Clock.Advance(IAccountGrain.FirewallLease);
        Assert.Equal("strict", (await attached).Value!.Firewall);

        // A repeated attach and a detach have nothing to wait for.
        await grain.UpdateAsync(new UpdateAccount(null, null, null, "strict"), scheduler.As(null));
        await grain.UpdateAsync(new UpdateAccount(null, null, null, ""), scheduler.As(null));
    }
}
