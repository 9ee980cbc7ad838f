using System.Diagnostics;
using System.Globalization;
using Npgsql;
using Scheduler.Api.V1;
using Scheduler.TestKit;

namespace Scheduler.Benchmarks;

/// <summary>
/// P-11: three silos on PostgreSQL, thousands of instances that wait for capacity, and one silo killed with <c>kill
/// -9</c>. Measures the time until the other silos detect it, and until every waiting instance is active and calls
/// its provider again. Checks that each then runs exactly once.
/// </summary>
public static class RecoveryFigures
{
    /// <param name="args">[instances in flight, default 10000] [seconds the cloud takes to answer, default 240]</param>
    public static async Task RunAsync(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        var count = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 10_000;
        var answer = TimeSpan.FromSeconds(args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 240);
        await using var server = await PostgreSqlServer.StartAsync(durable: true, ["shared_buffers=512MB"]);
        var database = await server.CreateDatabaseAsync();
        await using var cluster = new SchedulerCluster(
            database,
            [
                .. SchedulerProcess.ZeroDelay,
                $"--Providers:Simulated:AllocateLatency={answer:c}",
                "--Scheduler:Launch:AllocationTimeout=01:00:00",
            ]
        );
        await cluster.StartAsync(3);
        var calls = cluster.Calls(TimeSpan.FromMinutes(2));
        await LaunchAsync(new Instances.InstancesClient(calls), await LaunchFigures.AccountsAsync(calls, 100), count);
        var waiting = await AgendaAsync(database);
        Console.WriteLine($"{waiting.Count} instances wait for capacity on three silos; one is killed");
        var killed = Stopwatch.GetTimestamp();
        await cluster.Nodes[2].KillAsync();
        var survivors = cluster.Nodes.Take(2).ToList();
        var seen = survivors.ToDictionary(node => node, TakenUp);
        await UntilAsync(() => Task.FromResult(survivors.All(node => TakenUp(node) > seen[node])));
        Print("seen by both others", killed);
        await UntilAsync(async () =>
        {
            var now = await AgendaAsync(database);
            return waiting.All(was => !now.TryGetValue(was.Key, out var at) || at != was.Value);
        });
        Print("all awake and asking again", killed);
        await UntilAsync(async () => await CountAsync(database, "state = 'Running'") >= count);
        Print("all running (the cloud answers when it does)", killed);
        var held = await File.ReadAllLinesAsync(cluster.Cloud);
        var keys = held.Select(line => line.Split('"')[3]).ToHashSet(StringComparer.Ordinal);
        Console.WriteLine(
            $"running {await CountAsync(database, "state = 'Running'")} of {count}, other states {await CountAsync(database, "state <> 'Running'")}; allocations ever asked for at the cloud: {keys.Count}"
        );
    }

    private static async Task LaunchAsync(Instances.InstancesClient client, string[] accounts, int count) =>
        await Parallel.ForEachAsync(
            Enumerable.Range(0, count),
            new ParallelOptions { MaxDegreeOfParallelism = 48 },
            async (i, cancellationToken) =>
            {
                var created = await client.CreateInstanceAsync(
                    new CreateInstanceRequest
                    {
                        Parent = accounts[i % accounts.Length],
                        ServingName = $"p-{i}",
                        Spec = new LaunchSpec { Model = "Qwen/Qwen2.5-0.5B", ContextTokens = 4096 },
                    },
                    cancellationToken: cancellationToken
                );
                await client.StartInstanceAsync(
                    new StartInstanceRequest { Name = created.Name },
                    cancellationToken: cancellationToken
                );
            }
        );

    private static int TakenUp(SchedulerProcess node) =>
        node.Lines.Count(line => line.Contains("grains wait for something", StringComparison.Ordinal));

    private static async Task<Dictionary<string, DateTime>> AgendaAsync(string database)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand("SELECT id, wake_at FROM agenda WHERE kind = 'instance'");
        await using var rows = await command.ExecuteReaderAsync();
        var agenda = new Dictionary<string, DateTime>(StringComparer.Ordinal);
        while (await rows.ReadAsync())
        {
            agenda.Add(rows.GetString(0), rows.GetDateTime(1));
        }

        return agenda;
    }

    private static async Task<long> CountAsync(string database, string where)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand($"SELECT count(*) FROM instances WHERE {where}");
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        while (!await isSo())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        }
    }

    private static void Print(string what, long since) =>
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"  {Stopwatch.GetElapsedTime(since).TotalSeconds, 6:0.0} s  {what}"
            )
        );
}
