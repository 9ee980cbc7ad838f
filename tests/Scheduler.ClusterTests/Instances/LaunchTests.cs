using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Grains;
using Scheduler.Grains.Instances;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

public sealed class LaunchTests
{
    [Fact]
    public async Task A_launch_runs_on_the_cheapest_offer_and_is_billed_per_second()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();

        var running = await scheduler.RunningAsync(account);
        await scheduler.PassAsync(TimeSpan.FromSeconds(90), TimeSpan.FromSeconds(30));
        await scheduler.StopAsync(running.Id);
        await scheduler.SettledAsync(running.Id, InstanceState.Stopped);

        Assert.Equal(Make.CheapestPrice, running.Intent!.PriceSnapshot);
        var usage = Assert.Single(await scheduler.LedgerAsync(account), entry => entry.Kind == LedgerEntryKind.Usage);
        Assert.Equal(90, usage.Seconds);
        Assert.Equal(new MicroEuro(-30_000), usage.Amount);
        var money = await scheduler.MoneyAsync(account);
        Assert.Equal(MicroEuro.Zero, money.Holds);
        Assert.Equal(Make.Euros(99.97m), money.Available);
        Assert.Empty(scheduler.Cloud.Held);
        Assert.Equal(
            [
                "Stopped→Checking by Start",
                "Checking→Provisioning by OfferChosen",
                "Provisioning→Starting by Allocated",
                "Starting→Running by Ready",
                "Running→Stopping by Stop",
                "Stopping→Stopped by Released",
            ],
            await scheduler.PathAsync(running.Id)
        );
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_slow_runtime_is_running_when_the_provider_reports_it_ready()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account);
        scheduler.Cloud.NextAllocate(AllocateAnswer.SucceedBooting);
        await scheduler.LaunchAsync(id);
        var starting = await scheduler.UntilAsync(id, InstanceState.Starting);
        await scheduler.PassAsync(TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(5));
        Assert.Equal(MicroEuro.Zero, (await scheduler.MoneyAsync(account)).Accrued);

        scheduler.Cloud.BecomeReady(starting.Intent!.Key);
        var running = await scheduler.UntilAsync(id, InstanceState.Running, TimeSpan.FromMilliseconds(100));

        Assert.NotNull(running.Allocation!.Endpoint);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_probe_detects_a_ready_runtime_whose_notification_was_lost()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        scheduler.Cloud.IsSilent = true;
        scheduler.Cloud.NextAllocate(AllocateAnswer.SucceedBooting);
        await scheduler.LaunchAsync(id);
        var starting = await scheduler.UntilAsync(id, InstanceState.Starting);

        scheduler.Cloud.BecomeReady(starting.Intent!.Key);
        await scheduler.UntilAsync(id, InstanceState.Running, TimeSpan.FromMilliseconds(200));

        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_repeated_start_is_harmless_even_after_a_failure()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account);
        await scheduler.LaunchAsync(id, "once");
        await scheduler.UntilAsync(id, InstanceState.Running);

        var again = TestScheduler.Good(await scheduler.LaunchAsync(id, "once"));
        Assert.Equal(1, again.Run);

        await scheduler.StopAsync(id, "once");
        Assert.True((await scheduler.StopAsync(id, "once")).IsOk);
        await scheduler.SettledAsync(id, InstanceState.Stopped);
        Assert.Equal(1, (await scheduler.SeeAsync(id)).Run);

        var poor = await scheduler.AccountAsync("poor", euros: 0);
        var second = await scheduler.CreateAsync(poor);
        var first = await scheduler.LaunchAsync(second, "once");
        var repeated = await scheduler.LaunchAsync(second, "once");
        Assert.Equal(first.Refusal!.Failure!.Message, repeated.Refusal!.Failure!.Message);
        Assert.Equal(3, (await scheduler.TimelineAsync(second)).Length);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_forbidden_command_is_refused_with_the_state_and_the_allowed_commands()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var running = await scheduler.RunningAsync(await scheduler.AccountAsync());

        var start = (await scheduler.LaunchAsync(running.Id)).Refusal!;
        var delete = (await scheduler.DeleteAsync(running.Id)).Refusal!;

        foreach (var refusal in new[] { start, delete })
        {
            Assert.Equal(RefusalKind.WrongState, refusal.Kind);
            Assert.Equal("Running", refusal.State);
            Assert.Equal(["Stop"], refusal.Allowed);
            Assert.Contains("running", refusal.Message, StringComparison.Ordinal);
        }

        var stopped = await scheduler.CreateAsync(running.Account);
        var stop = (await scheduler.StopAsync(stopped)).Refusal!;
        Assert.Equal(["Start", "Delete"], stop.Allowed);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_deleted_instance_frees_its_name_and_leaves_its_account()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var first = await scheduler.CreateAsync(account, name: "chat");
        var taken = await scheduler.TryCreateAsync(account, scheduler.NewInstanceId(), name: "chat");
        Assert.Equal(RefusalKind.AlreadyExists, taken.Refusal!.Kind);

        await scheduler.DeleteAsync(first);
        Assert.True((await scheduler.DeleteAsync(first)).IsOk);
        var second = await scheduler.CreateAsync(account, name: "chat");

        Assert.Equal(NameHolder.Of(second), await scheduler.Grains.ServingName(account, "chat").HolderAsync());
        Assert.Equal(RefusalKind.WrongState, (await scheduler.LaunchAsync(first)).Refusal!.Kind);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task INV_11_concurrent_creates_of_one_name_have_exactly_one_winner()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();

        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 20)
                .Select(_ => scheduler.TryCreateAsync(account, scheduler.NewInstanceId(), name: "chat"))
        );

        var winner = Assert.Single(answers, answer => answer.IsOk).Value!;
        Assert.Equal(NameHolder.Of(winner.Id), await scheduler.Grains.ServingName(account, "chat").HolderAsync());
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task INV_08_an_instance_of_another_account_reads_as_not_found()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var mine = await scheduler.RunningAsync(await scheduler.AccountAsync("mine"));
        var otherAccount = await scheduler.AccountAsync("other");
        var never = scheduler.NewInstanceId();

        foreach (var ask in Commands(scheduler, otherAccount))
        {
            var there = await ask(mine.Id);
            var nowhere = await ask(never);
            Assert.NotNull(there);
            Assert.Equal(RefusalKind.NotFound, there.Kind);
            Assert.Equal(
                nowhere!.Message.Replace(never.Value, "*", StringComparison.Ordinal),
                there.Message.Replace(mine.Id.Value, "*", StringComparison.Ordinal)
            );
            Assert.Equal(nowhere.State, there.State);
        }

        Assert.Equal(InstanceState.Running, (await scheduler.SeeAsync(mine.Id)).State);
    }

    [Fact]
    public async Task The_spec_changes_only_while_stopped_or_failed()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account);
        var changed = new UpdateInstance(Make.Spec() with { ContextTokens = 4096 }, null);
        var instance = scheduler.Grains.Instance(id);

        Assert.Equal(
            4096,
            TestScheduler.Good(await instance.UpdateAsync(changed, scheduler.As(account))).Spec.ContextTokens
        );
        Assert.Equal(
            RefusalKind.WrongState,
            (await instance.UpdateAsync(changed with { IfGeneration = 1 }, scheduler.As(account))).Refusal!.Kind
        );
        await scheduler.LaunchAsync(id);
        await scheduler.UntilAsync(id, InstanceState.Running);
        Assert.Equal(
            RefusalKind.WrongState,
            (await instance.UpdateAsync(changed, scheduler.As(account))).Refusal!.Kind
        );
        var labels = ImmutableSortedDictionary<string, string>.Empty.Add("team", "red");
        Assert.True((await instance.UpdateAsync(new UpdateInstance(null, labels), scheduler.As(account))).IsOk);
        await scheduler.StopAsync(id);
        await scheduler.SettledAsync(id, InstanceState.Stopped);
        await scheduler.DeleteAsync(id);
        Assert.Equal(
            RefusalKind.WrongState,
            (await instance.UpdateAsync(new UpdateInstance(null, labels), scheduler.As(account))).Refusal!.Kind
        );
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_watcher_receives_each_change_without_polling()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account);
        var instance = scheduler.Grains.Instance(id);
        var cancellation = TestContext.Current.CancellationToken;

        var change = instance.WaitForChangeAsync(account, 1, cancellation);
        Assert.False(change.IsCompleted);
        await scheduler.LaunchAsync(id);
        Assert.True(TestScheduler.Good(await change).Generation > 1);

        // Nothing changes any more: the watch ends after a while with the current state.
        var last = await scheduler.UntilAsync(id, InstanceState.Running);
        var quiet = instance.WaitForChangeAsync(account, last.Generation, cancellation);
        await Eventually.TrueAsync(() => quiet.IsCompleted, "the watch ends", scheduler.Clock, TimeSpan.FromSeconds(1));
        Assert.Equal(last.Generation, TestScheduler.Good(await quiet).Generation);
    }

    [Fact]
    public async Task Explain_predicts_the_result_of_a_start()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var rich = await scheduler.AccountAsync("rich");
        var poor = await scheduler.AccountAsync("poor", euros: 0);
        var tight = await scheduler.AccountAsync("tight", euros: 1.1m);
        (AccountId, LaunchSpec)[] cases =
        [
            (rich, Make.Spec()),
            (rich, Make.Spec(new SmartConstraints { MaxPricePerHour = Make.Euros(0.01m) })),
            (rich, Make.Spec(new SmartConstraints { GpuType = "RTX3070" })),
            (poor, Make.Spec()),
            (poor, Make.Spec(new SmartConstraints { MaxPricePerHour = Make.Euros(0.01m) })),
            (tight, Make.Spec()),
        ];
        foreach (var (account, spec) in cases)
        {
            var id = await scheduler.CreateAsync(account, spec);
            var explained = TestScheduler.Good(await scheduler.Grains.Instance(id).ExplainAsync(account));
            var started = await scheduler.LaunchAsync(id);

            Assert.Equal(started.IsOk, explained.WouldLaunch);
            Assert.Equal(started.Refusal?.Failure?.Code, explained.Failure?.Code);
            Assert.Equal(started.Refusal?.Failure?.Message, explained.Failure?.Message);
            Assert.Equal(started.Refusal?.Failure?.Hint, explained.Failure?.Hint);
            if (started.IsOk)
            {
                Assert.Equal(started.Value.Intent!.Offer, explained.Ranked[0].Offer);
            }
        }
    }

    private static IEnumerable<Func<InstanceId, Task<Refusal?>>> Commands(
        TestScheduler scheduler,
        AccountId otherAccount
    )
    {
        var grains = scheduler.Grains;
        yield return async id => (await grains.Instance(id).GetAsync(otherAccount)).Refusal;
        yield return async id => (await grains.Instance(id).StartAsync(scheduler.As(otherAccount))).Refusal;
        yield return async id => (await grains.Instance(id).StopAsync(scheduler.As(otherAccount))).Refusal;
        yield return async id => (await grains.Instance(id).DeleteAsync(scheduler.As(otherAccount))).Refusal;
        yield return async id => (await grains.Instance(id).ExplainAsync(otherAccount)).Refusal;
        yield return async id =>
            (
                await grains.Instance(id).UpdateAsync(new UpdateInstance(Make.Spec(), null), scheduler.As(otherAccount))
            ).Refusal;
        yield return async id =>
            (await grains.Instance(id).WaitForChangeAsync(otherAccount, 0, CancellationToken.None)).Refusal;
        yield return async id => (await grains.Fleet().TimelineAsync(id, otherAccount, 0, 10)).Refusal;
    }
}
