using System.Globalization;
using Scheduler.Api.V1;
using Scheduler.SystemTests.Load;
using Scheduler.TestKit;
using Scheduler.Tests;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// Runs three real silos on a real PostgreSQL and a market with occasional failures. Clients take instances through
/// complete lifecycles while silos are killed, the database crashes and networks are cut. Every command must be
/// acknowledged in the end. The test then checks the invariants from outside.
/// </summary>
/// <remarks>
/// <c>SCHEDULER_SEED</c> replays a seed: clients and faults draw the same values, though not at the same moments.
/// <c>SCHEDULER_CHAOS_MINUTES</c> sets how long the faults of each test last, for example <c>10</c>.
/// </remarks>
[StartsFirst]
public sealed class ClusterChaosTests
{
    /// <summary>With fewer commands the test proves nothing.</summary>
    private const int LeastCommands = 150;

    private static readonly TimeSpan ShortChaos = TimeSpan.FromSeconds(15);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact(Explicit = true)]
    public Task Random_silo_kills_lose_no_acknowledged_command_INV_01_to_07_and_12() => RunAsync(KillAsync);

    [Fact(Explicit = true)]
    public Task Database_crashes_lose_no_acknowledged_command_INV_01_to_07_and_12() => RunAsync(CrashDatabaseAsync);

    [Fact(Explicit = true)]
    public Task Network_cuts_to_the_database_lose_no_acknowledged_command_INV_01_to_07_and_12() => RunAsync(CutAsync);

    [Fact]
    public Task All_faults_combined_lose_no_acknowledged_command_INV_01_to_07_and_12() =>
        RunAsync(
            (chaos, random) =>
                random.Next(4) switch
                {
                    0 => CrashDatabaseAsync(chaos, random),
                    1 => CutAsync(chaos, random),
                    2 => Task.WhenAll(CutAsync(chaos, random), KillAsync(chaos, random)),
                    _ => KillAsync(chaos, random),
                }
        );

    /// <summary>Kills one or two silos at once, sometimes all.</summary>
    private static Task KillAsync(ChaosCluster chaos, Random random)
    {
        var victims = random.Next(10) switch
        {
            < 6 => 1,
            < 9 => 2,
            _ => ChaosCluster.Silos,
        };
        var silos = Enumerable.Range(0, ChaosCluster.Silos).ToArray();
        random.Shuffle(silos);
        return Task.WhenAll(
            silos
                .Take(victims)
                .Select(silo => chaos.KillAsync(silo, TimeSpan.FromMilliseconds(random.Next(3000)), Ct))
                .ToArray()
        );
    }

    private static Task CrashDatabaseAsync(ChaosCluster chaos, Random random) =>
        chaos.CrashDatabaseAsync(TimeSpan.FromMilliseconds(random.Next(3000)), Ct);

    /// <summary>
    /// Cuts off one silo in either way. In one case of three the cut lasts until the others miss its heartbeat, which
    /// it sends every 5 s.
    /// </summary>
    private static Task CutAsync(ChaosCluster chaos, Random random)
    {
        var how = random.Next(2) == 0 ? ProxyState.Reset : ProxyState.Silent;
        var length = random.Next(3) == 0 ? random.Next(10_000, 20_000) : random.Next(200, 4000);
        return chaos.CutAsync(random.Next(ChaosCluster.Silos), how, TimeSpan.FromMilliseconds(length), Ct);
    }

    /// <summary>
    /// Clients work while faults are injected one after the other. At the end all faults are removed, and the state
    /// settles and is audited.
    /// </summary>
    private static async Task RunAsync(Func<ChaosCluster, Random, Task> happens)
    {
        var random = new Random(LaunchLoad.Seed());
        await using var chaos = await ChaosCluster.StartAsync(LaunchLoad.UnreliableMarket, Ct);
        var disturbed = new DisturbedLoads(chaos, random, Ct);
        await disturbed.RunAsync(lasted => IsOn(lasted, disturbed.Commands), () => happens(chaos, random));
        await AuditAsync(chaos, disturbed);
    }

    /// <summary>
    /// Runs until the time is over. On a slow machine it continues until there were enough commands, within a limit.
    /// </summary>
    private static bool IsOn(TimeSpan lasted, int commands) =>
        lasted < Length() || (commands < LeastCommands && lasted < Length() + DisturbedLoads.Patience);

    private static TimeSpan Length() =>
        Environment.GetEnvironmentVariable("SCHEDULER_CHAOS_MINUTES") is { } minutes
            ? TimeSpan.FromMinutes(double.Parse(minutes, CultureInfo.InvariantCulture))
            : ShortChaos;

    private static async Task AuditAsync(ChaosCluster chaos, DisturbedLoads disturbed)
    {
        var dead = await chaos.DeclaredDeadAsync(Ct);
        DisturbedLoads.Tell($"{dead} silos declared dead");
        Assert.True(
            disturbed.Commands >= LeastCommands,
            $"Only {disturbed.Commands} commands were acknowledged: too few for a load test."
        );
        var instances = await disturbed.AuditAsync();
        Assert.True(
            instances.Exists(i => i.State == InstanceState.Running),
            "No instance runs, so the test proves nothing."
        );
        // Stopped, failed and deleted instances wait for nothing.
        var awaited = instances.Where(i => i.State == InstanceState.Running).Select(i => i.Name.Split('/')[^1]);
        Assert.Empty((await chaos.AgendaAsync(Ct)).Except(awaited, StringComparer.Ordinal));
        await chaos.StopSupervisingAsync();
        await chaos.Cluster.KillAllAsync();
        await Audit.CloudAsync(chaos.Cluster.Cloud, instances, Ct);
    }
}
