using Grpc.Core;
using Scheduler.Api.V1;
using Scheduler.SystemTests.Load;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>The wall clock of the host is set while the program runs.</summary>
public sealed class ClockStepTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory(Explicit = true)]
    [InlineData(-86_400)]
    [InlineData(-1_200)]
    [InlineData(86_400)]
    public async Task INV_05_a_run_over_a_step_is_billed_what_it_ran_and_new_grains_activate(int step)
    {
        var folder = Directory.CreateTempSubdirectory("clock-step-").FullName;
        var clock = Path.Combine(folder, "offset");
        await File.WriteAllTextAsync(clock, "+0", Ct);
        await using var scheduler = new SchedulerProcess(folder)
        {
            Environment = await PastClock.SetByAsync(clock, Ct),
        };
        await scheduler.StartAsync(Ct);
        var api = ApiClient.Of("http", scheduler);
        var account = (await api.CreateAccountAsync("acct-step")).Ok.Name;
        _ = (await api.TopUpAsync(account, 100_000_000, "opening")).Ok;
        var instance = (await api.CreateInstanceAsync(account, "before", Troubles.On(Troubles.Small))).Ok;
        var began = TimeProvider.System.GetTimestamp();
        _ = (await api.StartAsync(instance.Name)).Ok;
        await api.UntilAsync(instance.Name, seen => seen.State == InstanceState.Running);
        var ran = TimeProvider.System.GetTimestamp();

        await File.WriteAllTextAsync(clock, $"{step:+0;-0}", Ct);

        for (var i = 0; i < 6; i++)
        {
            _ = (await api.CreateInstanceAsync(account, $"after-{i}", Troubles.On(Troubles.Small))).Ok;
        }

        _ = (await api.CreateAccountAsync("acct-after")).Ok;
        await Eventually.TrueAsync(
            () => TimeProvider.System.GetElapsedTime(ran) > TimeSpan.FromSeconds(5),
            "the run takes some seconds"
        );
        var shortest = TimeProvider.System.GetElapsedTime(ran);
        _ = (await api.StopAsync(instance.Name)).Ok;
        await api.UntilAsync(instance.Name, seen => seen.State == InstanceState.Stopped);
        var longest = TimeProvider.System.GetElapsedTime(began);

        var ledger = await new Accounts.AccountsClient(scheduler.Channel).ListLedgerEntriesAsync(
            new ListLedgerEntriesRequest { Parent = account },
            new Metadata { { "authorization", $"Bearer {scheduler.Token}" } },
            cancellationToken: Ct
        );
        var billed = ledger.Entries.Sum(entry => entry.Seconds);
        Assert.InRange(billed, Math.Floor(shortest.TotalSeconds) - 1, longest.TotalSeconds);
    }

    [Fact(Explicit = true)]
    public async Task A_silo_whose_clock_was_set_back_joins_again_after_a_crash()
    {
        await using var chaos = await ChaosCluster.StartOnOwnMachineAsync(
            onPostgreSql: true,
            LaunchLoad.QuickMarket,
            Ct
        );
        await chaos.SetClockAsync(0, TimeSpan.FromHours(-1), Ct);
        await chaos.KillAsync(0, TimeSpan.Zero, Ct);
        await Eventually.TrueAsync(() => chaos.Cluster.Nodes[0].IsRunning, "the supervisor starts it again");

        await chaos.JoinedAsync(0);
        // Its readiness tells the clock, so that someone corrects it.
        Assert.False((await Probe.CheckAsync(chaos.Cluster.Nodes[0], "clock")).IsOk);
        await chaos.CorrectClocksAsync(Ct);
        await chaos.HealedAsync();
    }
}
