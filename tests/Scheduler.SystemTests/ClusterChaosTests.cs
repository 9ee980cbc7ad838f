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
    private const int ClientsPerAccount = 8;

    /// <summary>With fewer commands the test proves nothing.</summary>
    private const int LeastCommands = 150;

    /// <summary>
    /// Longer than the longest outage and its consequences: a call that hangs in a silo is abandoned after 35 s.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static readonly TimeSpan ShortChaos = TimeSpan.FromSeconds(15);

    /// <summary>Some launches find no offer; some answers are late, duplicated or missing.</summary>
    private static readonly string[] UnreliableMarket =
    [
        .. LaunchLoad.QuickMarket,
        "--Providers:Simulated:Faults:0:Probability=0.05",
        "--Providers:Simulated:Faults:0:Seed=1",
        "--Providers:Simulated:Faults:0:OutOfStock=true",
        "--Providers:Simulated:Faults:1:Probability=0.1",
        "--Providers:Simulated:Faults:1:Seed=2",
        "--Providers:Simulated:Faults:1:FailAfterEffect=true",
        "--Providers:Simulated:Faults:2:Probability=0.1",
        "--Providers:Simulated:Faults:2:Seed=3",
        "--Providers:Simulated:Faults:2:AnswerTwice=true",
        "--Providers:Simulated:Faults:3:Probability=0.1",
        "--Providers:Simulated:Faults:3:Seed=4",
        "--Providers:Simulated:Faults:3:AnswerLate=00:00:00.300",
        // The test covers how a launch handles a lack of stock, not the stock of single routes.
        "--Scheduler:Launch:RouteCooldown=00:00:01",
        "--Scheduler:Providers:BreakerFailures=1000",
    ];

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
        await using var chaos = await ChaosCluster.StartAsync(UnreliableMarket, Ct);
        var calls = chaos.Cluster.Calls(Patience);
        LaunchLoad[] loads =
        [
            NewLoad("acct-rich", "PROVIDER_REJECTED"),
            NewLoad("acct-wealthy", "PROVIDER_REJECTED"),
            NewLoad("acct-poor", "PROVIDER_REJECTED", "BILLING_BELOW_MINIMUM"),
        ];
        foreach (var load in loads)
        {
            await load.OpenAccountAsync(calls, Ct, load == loads[2] ? 5_000_000 : 100_000_000_000);
        }

        using var end = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var clients = loads
            .SelectMany((load, a) => Enumerable.Range(0, ClientsPerAccount).Select(i => (load, name: $"{a}-{i}")))
            .Select(c => c.load.LiveAsync(calls, new Random(random.Next()), c.name, end.Token, giveUp.Token))
            .ToArray();
        var began = TimeProvider.System.GetTimestamp();
        while (IsOn(began, loads) && !clients.Any(client => client.IsFaulted))
        {
            await happens(chaos, random);
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(2000)), TimeProvider.System, Ct);
        }

        var over = TimeProvider.System.GetTimestamp();
        await end.CancelAsync();
        await FinishedAsync(chaos, clients, giveUp);
        var finished = TimeProvider.System.GetElapsedTime(over);
        await chaos.HealedAsync();
        var healed = TimeProvider.System.GetElapsedTime(over);
        Tell(
            $"after {TimeProvider.System.GetElapsedTime(began, over).TotalSeconds:F0} s of faults the last command was acknowledged in {finished.TotalSeconds:F0} s; all silos were active after {healed.TotalSeconds:F0} s"
        );
        await AuditAsync(chaos, loads, calls);
        Tell($"settled and audited in {(TimeProvider.System.GetElapsedTime(over) - healed).TotalSeconds:F0} s");
    }

    /// <summary>
    /// Runs until the time is over. On a slow machine it continues until there were enough commands, within a limit.
    /// </summary>
    private static bool IsOn(long began, LaunchLoad[] loads)
    {
        var lasted = TimeProvider.System.GetElapsedTime(began);
        return lasted < Length() || (loads.Sum(load => load.Commands) < LeastCommands && lasted < Length() + Patience);
    }

    private static TimeSpan Length() =>
        Environment.GetEnvironmentVariable("SCHEDULER_CHAOS_MINUTES") is { } minutes
            ? TimeSpan.FromMinutes(double.Parse(minutes, CultureInfo.InvariantCulture))
            : ShortChaos;

    private static LaunchLoad NewLoad(string account, params string[] failures) =>
        new(account) { Failures = failures.ToHashSet(StringComparer.Ordinal) };

    /// <summary>Every client call must have succeeded or returned the reason of a failed launch.</summary>
    private static async Task FinishedAsync(ChaosCluster chaos, Task[] clients, CancellationTokenSource giveUp)
    {
        try
        {
            await foreach (var client in Task.WhenEach(clients))
            {
                await client;
            }
        }
        catch
        {
            Tell($"{chaos.Done}\n{chaos.Cluster.Output}");
            await giveUp.CancelAsync();
            await Task.WhenAll(clients).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            throw;
        }
    }

    private static async Task AuditAsync(ChaosCluster chaos, LaunchLoad[] loads, FailoverCalls calls)
    {
        var commands = loads.Sum(load => load.Commands);
        var dead = await chaos.DeclaredDeadAsync(Ct);
        Tell(
            $"{commands} commands acknowledged, {loads.Sum(load => load.LastAcknowledged.Count)} instances, {calls.Retries} retries at another silo; {chaos.Done}, {dead} silos declared dead"
        );
        Assert.True(commands >= LeastCommands, $"Only {commands} commands were acknowledged: too few for a load test.");
        var instances = new List<Instance>();
        foreach (var load in loads)
        {
            instances.AddRange(await new Audit(load, calls).ApiAsync(() => chaos.Cluster.Output, Ct));
        }

        var states = instances.CountBy(i => i.State).ToDictionary();
        Tell($"{string.Join(", ", states.Select(s => $"{s.Value} {s.Key}"))}");
        Assert.True(
            states.GetValueOrDefault(InstanceState.Running) > 0,
            "No instance runs, so the test proves nothing."
        );
        // Stopped, failed and deleted instances wait for nothing.
        var awaited = instances.Where(i => i.State == InstanceState.Running).Select(i => i.Name.Split('/')[^1]);
        Assert.Empty((await chaos.AgendaAsync(Ct)).Except(awaited, StringComparer.Ordinal));
        await chaos.StopSupervisingAsync();
        await chaos.Cluster.KillAllAsync();
        await Audit.CloudAsync(chaos.Cluster.Cloud, instances, Ct);
    }

    private static void Tell(FormattableString what)
    {
        var text = FormattableString.Invariant(what);
        TestContext.Current.SendDiagnosticMessage(text);
        TestContext.Current.TestOutputHelper?.WriteLine(text);
    }
}
