using System.Globalization;
using Grpc.Core;
using Scheduler.Api.V1;
using Scheduler.SystemTests.Load;
using Scheduler.TestKit;
using Scheduler.Tests;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// Three real processes on one PostgreSQL act as one scheduler. Any process can be called, killed or restarted, and
/// each acknowledged command takes effect once (INV-01 to INV-05).
/// </summary>
[StartsFirst]
public sealed class ClusterFailoverTests
{
    private const int Silos = 3;
    private const int Clients = 6;

    /// <summary>
    /// How long a client tries other silos before a command counts as failed: longer than the detection of a dead silo.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>All steps use one cluster: each step starts from the state that the previous one left.</summary>
    [Fact]
    public async Task A_cluster_survives_a_kill_a_rolling_restart_and_a_full_outage_INV_01_to_05()
    {
        var random = new Random(LaunchLoad.Seed());
        await using var cluster = await ClusterAsync("--Host:DrainFor=00:00:01");
        await cluster.StartAsync(Silos, Ct);
        await AssertOneClusterAsync(cluster);
        await StormAsync(
            cluster,
            random,
            async load =>
            {
                await KillOneAsync(cluster, load, random.Next(Silos), random);
                await RestartOneByOneAsync(cluster, load);
                await LoseAllAsync(cluster, load, random);
            }
        );
    }

    [Fact(Explicit = true)]
    public async Task Killing_each_silo_in_turn_loses_no_acknowledged_command_INV_01_to_05()
    {
        var random = new Random(LaunchLoad.Seed());
        await using var cluster = await ClusterAsync();
        await cluster.StartAsync(Silos, Ct);
        await StormAsync(cluster, random, load => KillEachAsync(cluster, load, random));
    }

    [Fact(Explicit = true)]
    public async Task Killing_each_silo_without_an_API_loses_no_acknowledged_command_INV_01_to_05()
    {
        var random = new Random(LaunchLoad.Seed());
        await using var cluster = await ClusterAsync();
        for (var i = 0; i < Silos; i++)
        {
            cluster.Add("--Host:Role=silo");
        }

        await cluster.StartAllAsync(Ct);
        cluster.Add("--Host:Role=doors");
        await cluster.StartAllAsync(Ct);
        await StormAsync(cluster, random, load => KillEachAsync(cluster, load, random));
    }

    [Fact]
    public async Task API_and_silos_can_run_in_separate_processes()
    {
        await using var cluster = await ClusterAsync();
        cluster.Add("--Host:Role=silo");
        cluster.Add("--Host:Role=silo");
        await cluster.StartAllAsync(Ct);
        var first = cluster.Add("--Host:Role=doors");
        var second = cluster.Add("--Host:Role=doors");
        await cluster.StartAllAsync(Ct);
        Assert.Null(cluster.Nodes[0].Grpc);
        await Probe.UntilAsync(cluster.Nodes, "offers", says => says.Length > 0);
        using (var client = new HttpClient())
        {
            var silo = await client.GetAsync(new Uri(cluster.Nodes[0].Http, "/v1/failures"), Ct);
            Assert.Equal(404, (int)silo.StatusCode);
        }

        // A complete launch with its watch, through API processes that have no store and no provider.
        var load = new LaunchLoad("acct-doors");
        await load.OpenAccountAsync(first.Calls, Ct);
        var api = ApiClient.Of("http", second);
        var made = (await api.CreateInstanceAsync(load.Account, "apart", Troubles.On(Troubles.Small))).Ok;
        using var watch = new Instances.InstancesClient(first.Calls).WatchInstance(
            new WatchInstanceRequest { Name = made.Name },
            cancellationToken: Ct
        );
        _ = (await api.StartAsync(made.Name)).Ok;
        Assert.True(
            await watch.ResponseStream.ReadAllAsync(Ct).AnyAsync(seen => seen.State == InstanceState.Running, Ct)
        );
        Assert.NotEmpty((await api.ExplainAsync(made.Name)).Ok.Ranked);

        await RevokedEverywhereAsync(load.Account, first, second);
    }

    [Fact]
    public async Task Readiness_follows_the_database()
    {
        await using var server = await PostgreSqlServer.StartAsync(cancellationToken: Ct);
        await using var cluster = new SchedulerCluster(
            await server.CreateDatabaseAsync(Ct),
            SchedulerProcess.ZeroDelay
        );
        await cluster.StartAsync(1, Ct);
        var node = cluster.Nodes[0];
        var health = new Grpc.Health.V1.Health.HealthClient(node.Channel);
        await Probe.UntilAsync(cluster.Nodes, "store", isOk: true);
        Assert.Equal(
            Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus.Serving,
            (await health.CheckAsync(new(), cancellationToken: Ct)).Status
        );

        await server.CrashAsync(Ct);
        await Probe.UntilAsync(cluster.Nodes, "store", isOk: false);
        Assert.Equal(
            Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus.NotServing,
            (await health.CheckAsync(new(), cancellationToken: Ct)).Status
        );
        Assert.Equal(200, await Probe.StatusAsync(node, "/livez"));

        await server.StartAgainAsync(Ct);
        await Probe.UntilAsync(cluster.Nodes, "store", isOk: true);
        _ = (await ApiClient.Of("grpc", node).CreateAccountAsync("acct-after")).Ok;
    }

    private static async Task AssertOneClusterAsync(SchedulerCluster cluster)
    {
        Assert.Single(cluster.Nodes.Select(node => node.Token).Distinct(StringComparer.Ordinal));
        Assert.Single(Directory.EnumerateFiles(cluster.Folder, "operator.key*", SearchOption.AllDirectories));
        await Probe.UntilAsync(cluster.Nodes, "silo", says => says == "Active, among 3 active");
        var made = (await ApiClient.Of("grpc", cluster.Nodes[0]).CreateAccountAsync("acct-one")).Ok;
        foreach (var node in cluster.Nodes)
        {
            Assert.Equal(made.Name, (await ApiClient.Of("http", node).GetAccountAsync(made.Name)).Ok.Name);
        }
    }

    private static async Task KillEachAsync(SchedulerCluster cluster, LaunchLoad load, Random random)
    {
        for (var victim = 0; victim < Silos; victim++)
        {
            await KillOneAsync(cluster, load, victim, random);
        }
    }

    private static async Task KillOneAsync(SchedulerCluster cluster, LaunchLoad load, int victim, Random random)
    {
        Assert.True(await load.LetThroughAsync(random.Next(50, 150), Patience, Ct), cluster.Output);
        await cluster.Nodes[victim].KillAsync();
        await DeclaredDeadAsync(cluster.Nodes.Where((_, i) => i != victim && i < Silos));
        Assert.True(await load.LetThroughAsync(100, Patience, Ct), cluster.Output);
        await cluster.Nodes[victim].StartAsync(Ct);
    }

    private static async Task RestartOneByOneAsync(SchedulerCluster cluster, LaunchLoad load)
    {
        foreach (var node in cluster.Nodes)
        {
            Assert.True(await load.LetThroughAsync(50, Patience, Ct), cluster.Output);
            var began = TimeProvider.System.GetTimestamp();
            Assert.Equal(0, await node.StopAsync(Ct));
            Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromSeconds(30));
            Assert.True(await load.LetThroughAsync(50, Patience, Ct), cluster.Output);
            await node.StartAsync(Ct);
        }
    }

    private static async Task LoseAllAsync(SchedulerCluster cluster, LaunchLoad load, Random random)
    {
        Assert.True(await load.LetThroughAsync(random.Next(50, 150), Patience, Ct), cluster.Output);
        await cluster.KillAllAsync();
        await cluster.StartAllAsync(Ct);
        Assert.True(await load.LetThroughAsync(50, Patience, Ct), cluster.Output);
    }

    /// <summary>
    /// Waits until the others count one silo less. A closed port is a miss at once, so this takes seconds; a silo that
    /// hangs takes 6 s.
    /// </summary>
    private static async Task DeclaredDeadAsync(IEnumerable<SchedulerProcess> others)
    {
        var killed = TimeProvider.System.GetTimestamp();
        await Probe.UntilAsync(others, "silo", says => says == $"Active, among {Silos - 1} active");
        var took = TimeProvider.System.GetElapsedTime(killed);
        TestContext.Current.TestOutputHelper?.WriteLine(
            string.Create(CultureInfo.InvariantCulture, $"declared dead after {took.TotalSeconds:F1} s")
        );
        Assert.InRange(took, TimeSpan.Zero, TimeSpan.FromSeconds(20));
    }

    private static async Task<SchedulerCluster> ClusterAsync(params string[] settings)
    {
        var server = await PostgreSqlServer.SharedAsync(Ct);
        return new SchedulerCluster(await server.CreateDatabaseAsync(Ct), [.. LaunchLoad.QuickMarket, .. settings]);
    }

    /// <summary>
    /// Injects faults into a cluster under load and then checks everything. No command may fail permanently.
    /// </summary>
    private static async Task StormAsync(SchedulerCluster cluster, Random random, Func<LaunchLoad, Task> happening)
    {
        var calls = cluster.Calls(Patience);
        var load = new LaunchLoad("acct-storm");
        await load.OpenAccountAsync(calls, Ct);
        using var working = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var clients = Enumerable
            .Range(0, Clients)
            .Select(i => load.WorkAsync(calls, new Random(random.Next()), $"c{i}", working.Token))
            .ToArray();
        var ended = Task.WhenAny(clients);
        var happened = happening(load);
        if (await Task.WhenAny(happened, ended) == ended)
        {
            // A client does not end by itself: this one received an error.
            await await ended;
        }

        await happened;
        await working.CancelAsync();
        await Task.WhenAll(clients);
        TestContext.Current.TestOutputHelper?.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{load.Commands} commands acknowledged, {load.LastAcknowledged.Count} instances, {calls.Retries} retries at another silo"
            )
        );
        var instances = await new Audit(load, calls).ApiAsync(() => cluster.Output, Ct);
        await cluster.KillAllAsync();
        await Audit.CloudAsync(cluster.Cloud, instances, Ct);
    }

    /// <summary>
    /// A key that is revoked at one API process is refused there at once, and at the other within a second (INV-09).
    /// </summary>
    private static async Task RevokedEverywhereAsync(string account, SchedulerProcess here, SchedulerProcess there)
    {
        var key = (await ApiClient.Of("grpc", here).CreateKeyAsync(account)).Ok;
        var (mineHere, mineThere) = (ApiClient.Of("grpc", here, key.Token), ApiClient.Of("http", there, key.Token));
        _ = (await mineHere.GetAccountAsync(account)).Ok;
        _ = (await mineThere.GetAccountAsync(account)).Ok;
        _ = (await ApiClient.Of("grpc", here).RevokeKeyAsync(key.Key.Name)).Ok;
        var revoked = TimeProvider.System.GetTimestamp();
        Assert.Equal("AUTH_REVOKED_TOKEN", (await mineHere.GetAccountAsync(account)).Info.Reason);
        while (true)
        {
            var asked = TimeProvider.System.GetElapsedTime(revoked);
            var answer = await mineThere.GetAccountAsync(account);
            if (answer.Value is null)
            {
                Assert.Equal("AUTH_REVOKED_TOKEN", answer.Info.Reason);
                return;
            }

            Assert.True(asked < TimeSpan.FromSeconds(1), $"The key was accepted {asked} after the revocation.");
        }
    }
}
