using Scheduler.Api.V1;
using Scheduler.SystemTests.Load;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// Silos of an earlier build are replaced by this build one after the other, under load, on one PostgreSQL. Both builds
/// work side by side in between. <c>.ci/upgrade COMMIT</c> builds the earlier commit and runs this test.
/// </summary>
public sealed class RollingUpgradeTests
{
    private const int Silos = 3;

    private const int Clients = 4;

    /// <summary>The folder with the earlier build's <c>scheduler.dll</c>.</summary>
    private const string Earlier = "SCHEDULER_EARLIER_BUILD";

    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact(Explicit = true)]
    public async Task No_command_is_lost_while_a_newer_build_replaces_an_older_one_INV_01_to_05_and_14()
    {
        var earlier = Environment.GetEnvironmentVariable(Earlier);
        Assert.SkipWhen(earlier is null, $"{Earlier} is not set; .ci/upgrade sets it.");
        var program = Path.Combine(earlier, "scheduler.dll");
        Assert.True(File.Exists(program), $"{program} does not exist.");
        var server = await PostgreSqlServer.SharedAsync(Ct);
        await using var cluster = new SchedulerCluster(
            await server.CreateDatabaseAsync(Ct),
            [.. LaunchLoad.QuickMarket, "--Host:DrainFor=00:00:01"]
        );
        var random = new Random(LaunchLoad.Seed());
        for (var i = 0; i < Silos; i++)
        {
            cluster.Add().Program = program;
        }

        await cluster.StartAllAsync(Ct);
        var calls = cluster.Calls(Patience);
        var load = new LaunchLoad("acct-upgrade");
        await load.OpenAccountAsync(calls, Ct);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var clients = Enumerable
            .Range(0, Clients)
            .Select(i => load.LiveAsync(calls, new Random(random.Next()), $"c{i}", end.Token, Ct))
            .ToArray();
        await GoesOnAsync(load, clients, cluster);
        foreach (var node in cluster.Nodes)
        {
            Assert.Equal(0, await node.StopAsync(Ct));
            node.Program = SchedulerProcess.OwnProgram;
            await node.StartAsync(Ct);
            // Old and new silos share the work until the last one is replaced.
            await GoesOnAsync(load, clients, cluster);
        }

        await Probe.UntilAsync(cluster.Nodes, "silo", says => says == $"Active, among {Silos} active");
        await end.CancelAsync();
        await Task.WhenAll(clients);
        TestContext.Current.TestOutputHelper?.WriteLine(
            FormattableString.Invariant(
                $"{load.Commands} commands acknowledged, {load.LastAcknowledged.Count} instances, {calls.Retries} retries at another silo"
            )
        );
        var instances = await new Audit(load, calls).ApiAsync(() => cluster.Output, Ct);
        Assert.Contains(instances, i => i.State == InstanceState.Running);
        Assert.DoesNotContain(
            cluster.Nodes.SelectMany(node => node.Lines),
            line => line.Contains(nameof(Scheduler.Storage.UnreadableStateException), StringComparison.Ordinal)
        );
        await cluster.KillAllAsync();
        await Audit.CloudAsync(cluster.Cloud, instances, Ct);
    }

    private static async Task GoesOnAsync(LaunchLoad load, Task[] clients, SchedulerCluster cluster)
    {
        const int commands = 60;
        var enough = load.LetThroughAsync(commands, Patience, Ct);
        if (await Task.WhenAny([enough, .. clients]) is { } ended && ended != enough)
        {
            // A client does not end by itself: this one received an error.
            await ended;
        }

        Assert.True(await enough, $"Fewer than {commands} commands in {Patience}.\n{cluster.Output}");
    }
}
