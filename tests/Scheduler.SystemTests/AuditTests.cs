using System.Globalization;
using Scheduler.SystemTests.Load;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// The audit from outside: load on the real program, any fault of processes, store and machine, and then every check
/// that the API and the simulated cloud's journal permit. <c>SCHEDULER_SEED</c> replays a seed and
/// <c>SCHEDULER_AUDIT_EVENTS</c> sets the number of faults; <c>SCHEDULER_AUDIT_MINUTES</c> ends them earlier on a slow
/// machine.
/// </summary>
public sealed class AuditTests
{
    private const int FewEvents = 40;

    /// <summary>Orleans declares a silo dead that does not answer for about 10 s.</summary>
    private const int LongestFreeze = 20_000;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact(Explicit = true)]
    public Task One_silo_on_SQLite_loses_doubles_and_misbills_nothing_INV_01_to_07_and_12() =>
        AuditedAsync(onPostgreSql: false);

    [Fact(Explicit = true)]
    public Task Three_silos_on_PostgreSQL_lose_double_and_misbill_nothing_INV_01_to_07_and_12() =>
        AuditedAsync(onPostgreSql: true);

    private static async Task AuditedAsync(bool onPostgreSql)
    {
        var random = new Random(LaunchLoad.Seed());
        var (events, longest) = (Setting("SCHEDULER_AUDIT_EVENTS") ?? FewEvents, Longest());
        await using var chaos = await ChaosCluster.StartOnOwnMachineAsync(
            onPostgreSql,
            LaunchLoad.UnreliableMarket,
            Ct
        );
        // A clock that goes forward shortly before a crash counts as passed time (src/decisions/0017-time.md).
        var disturbed = new DisturbedLoads(
            chaos,
            random,
            Ct,
            "PROVIDER_TIMEOUT",
            "RUNTIME_START_TIMEOUT",
            "BALANCE_EXHAUSTED"
        )
        {
            // Most of the time is that of restarts; more clients would only make them slower.
            ClientsPerAccount = 2,
        };
        await disturbed.RunAsync(
            lasted => chaos.Events < events && lasted < longest,
            async () =>
            {
                await HappensAsync(chaos, random);
                if (random.Next(2) == 0)
                {
                    await ProgressAsync(chaos, disturbed, 10);
                }

                DisturbedLoads.Tell($"{chaos.Events} events, {disturbed.Commands} commands: {chaos.Done}");
            }
        );
        Assert.True(
            disturbed.Commands > 4 * chaos.Events,
            $"{disturbed.Commands} commands are too few for {chaos.Events} events."
        );
        _ = await disturbed.AuditAsync();
        await disturbed.AuditEndAsync();
    }

    /// <summary>One fault, drawn with its length.</summary>
    private static Task HappensAsync(ChaosCluster chaos, Random random)
    {
        var silo = random.Next(chaos.Cluster.Nodes.Count);
        var length = TimeSpan.FromMilliseconds(random.Next(3000));
        return random.Next(10) switch
        {
            0 or 1 => chaos.FreezeAsync(silo, Frozen(random, chaos.HasDatabase), Ct),
            2 => chaos.FillDiskAsync(length, Ct),
            3 or 4 => chaos.SetClockAsync(random.Next(3) == 0 ? null : silo, Step(random), Ct),
            5 when chaos.HasDatabase => chaos.CrashDatabaseAsync(length, Ct),
            6 when chaos.HasDatabase => chaos.CutAsync(silo, ProxyState.Silent, 3 * length, Ct),
            _ => chaos.KillAsync(silo, length, Ct),
        };
    }

    /// <summary>Mostly short; one in five is long enough for other silos to declare this one dead.</summary>
    private static TimeSpan Frozen(Random random, bool hasOthers) =>
        TimeSpan.FromMilliseconds(
            hasOthers && random.Next(5) == 0 ? random.Next(8000, LongestFreeze) : random.Next(100, 4000)
        );

    /// <summary>Up to a day in either direction, or back to the true time.</summary>
    private static TimeSpan Step(Random random) =>
        TimeSpan.FromSeconds(
            random.Next(6) switch
            {
                0 => 0,
                1 => -86_400,
                2 => 86_400,
                3 => random.Next(-4000, 0),
                4 => random.Next(1, 4000),
                _ => random.Next(-60, 60),
            }
        );

    /// <summary>The faults so far must not stop the work.</summary>
    private static async Task ProgressAsync(ChaosCluster chaos, DisturbedLoads disturbed, int commands)
    {
        var (enough, began) = (disturbed.Commands + commands, TimeProvider.System.GetTimestamp());
        while (disturbed.Commands < enough)
        {
            Assert.True(
                TimeProvider.System.GetElapsedTime(began) < DisturbedLoads.Patience,
                $"Nothing goes on after {chaos.Done}\n{chaos.Cluster.Output}"
            );
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System, Ct);
        }
    }

    private static TimeSpan Longest() =>
        Setting("SCHEDULER_AUDIT_MINUTES") is { } minutes ? TimeSpan.FromMinutes(minutes) : TimeSpan.MaxValue;

    private static int? Setting(string variable) =>
        Environment.GetEnvironmentVariable(variable) is { } given
            ? int.Parse(given, CultureInfo.InvariantCulture)
            : null;
}
