using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Grpc.Core;
using Npgsql;
using Scheduler.Api.V1;
using Scheduler.TestKit;

namespace Scheduler.Benchmarks;

/// <summary>
/// P-5, P-6 and P-7: launches per second through the gRPC API of a separate process, and the latency of an
/// acknowledged create at half that rate. A launch is create and start, each acknowledged, then polled until running.
/// </summary>
public static class LaunchFigures
{
    private const int Concurrency = 64;

    /// <param name="args">[sqlite | postgresql, default sqlite] [launches, default 4000]</param>
    public static Task RunAsync(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        var launches = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 4000;
        return args.FirstOrDefault() == "postgresql" ? OnPostgreSqlAsync(launches) : OnSqliteAsync(launches);
    }

    private static async Task OnSqliteAsync(int launches)
    {
        var folder = Directory.CreateTempSubdirectory("scheduler-figures-").FullName;
        var baseline = StorageFigures.Baseline(Path.Combine(folder, "bare.db"), 5, "FULL", projected: false);
        Console.WriteLine($"baseline: {baseline:0} upserts/s, one connection, one commit each, FULL");
        foreach (var accounts in new[] { 100, 1 })
        {
            await using var scheduler = new SchedulerProcess(null, SchedulerProcess.ZeroDelay);
            await scheduler.StartAsync();
            var rate = await MeasureAsync(scheduler.Calls, () => scheduler.Cpu, accounts, launches);
            Console.WriteLine(
                string.Create(CultureInfo.InvariantCulture, $"                 {rate / baseline:0.00} of the baseline")
            );
        }
    }

    private static async Task OnPostgreSqlAsync(int launches)
    {
        await using var server = await PostgreSqlServer.StartAsync(durable: true, ["shared_buffers=512MB"]);
        foreach (var accounts in new[] { 100, 1 })
        {
            var database = await server.CreateDatabaseAsync();
            var upserts = await PostgreSqlFigures.PgbenchAsync(database, 8, 5);
            await using var cluster = new SchedulerCluster(database, SchedulerProcess.ZeroDelay);
            await cluster.StartAsync(1);
            var calls = cluster.Calls(TimeSpan.FromSeconds(30));
            var before = await WritesAsync(database);
            var rate = await MeasureAsync(calls, () => cluster.Nodes[0].Cpu, accounts, launches);
            // The creates of the latency run count as launches, too.
            var made = await CountAsync(database, "SELECT count(*) FROM instances");
            var each = (double)(await WritesAsync(database) - before) / made;
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"                 pgbench {upserts:0} upserts/s / {each:0.0} durable writes a launch = {upserts / each:0} launches/s at most; {rate * each / upserts:0.00} of it"
                )
            );
        }
    }

    private static async Task<double> MeasureAsync(CallInvoker calls, Func<TimeSpan> cpu, int accounts, int launches)
    {
        var names = await AccountsAsync(calls, accounts);
        // During the first launches the JIT compiler is active.
        await LaunchAsync(calls, names, launches / 2);
        var before = cpu();
        var (rate, acknowledged) = await LaunchAsync(calls, names, launches);
        var used = cpu() - before;
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{accounts, 4} account(s): {rate, 7:0} launches/s to running, {acknowledged, 7:0}/s acknowledged, {used.TotalMilliseconds / launches:0.00} ms CPU each"
            )
        );
        await PrintLatencyAsync(calls, names, rate / 2);
        return rate;
    }

    private static Task<long> WritesAsync(string database) =>
        CountAsync(database, "SELECT COALESCE(sum(version), 0)::bigint FROM states");

    private static async Task<long> CountAsync(string database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(database);
        await using var command = source.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    internal static async Task<string[]> AccountsAsync(CallInvoker calls, int count)
    {
        var client = new Accounts.AccountsClient(calls);
        var names = new string[count];
        for (var i = 0; i < count; i++)
        {
            names[i] = $"accounts/acct-bench-{i}";
            await client.CreateAccountAsync(
                new CreateAccountRequest { AccountId = $"acct-bench-{i}", DisplayName = "bench" }
            );
            await client.TopUpAccountAsync(
                new TopUpAccountRequest
                {
                    Name = names[i],
                    AmountMicroEur = 1_000_000_000_000,
                    Reference = "bench",
                }
            );
        }

        return names;
    }

    internal static async Task<(double ToRunning, double Acknowledged)> LaunchAsync(
        CallInvoker calls,
        string[] accounts,
        int launches
    )
    {
        var client = new Instances.InstancesClient(calls);
        var run = Stopwatch.GetTimestamp();
        var started = new ConcurrentQueue<string>();
        var next = -1;
        async Task WorkAsync()
        {
            for (var i = Interlocked.Increment(ref next); i < launches; i = Interlocked.Increment(ref next))
            {
                var created = await client.CreateInstanceAsync(RequestOf(accounts[i % accounts.Length], run, i));
                await client.StartInstanceAsync(new StartInstanceRequest { Name = created.Name });
                started.Enqueue(created.Name);
            }
        }

        await Task.WhenAll(Enumerable.Range(0, Concurrency).Select(_ => WorkAsync()));
        var acknowledged = launches / Stopwatch.GetElapsedTime(run).TotalSeconds;
        await Parallel.ForEachAsync(
            started,
            new ParallelOptions { MaxDegreeOfParallelism = Concurrency },
            async (name, cancellationToken) =>
            {
                var get = new GetInstanceRequest { Name = name };
                while (
                    (await client.GetInstanceAsync(get, cancellationToken: cancellationToken)).State
                    != InstanceState.Running
                ) { }
            }
        );
        return (launches / Stopwatch.GetElapsedTime(run).TotalSeconds, acknowledged);
    }

    /// <summary>
    /// Creates arrive at a fixed rate, independent of the latency: a slow answer does not delay the next request.
    /// </summary>
    private static async Task PrintLatencyAsync(CallInvoker calls, string[] accounts, double rate)
    {
        var client = new Instances.InstancesClient(calls);
        var count = (int)(rate * 8);
        var run = Stopwatch.GetTimestamp();
        var took = new double[count];
        var asked = new Task[count];
        for (var i = 0; i < count; i++)
        {
            var due = run + (long)(i / rate * Stopwatch.Frequency);
            while (Stopwatch.GetTimestamp() < due)
            {
                await Task.Delay(1);
            }

            var index = i;
            asked[i] = CallAsync(index, due);
        }

        await Task.WhenAll(asked);
        Array.Sort(took);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"                 create at {rate:0}/s: p50 {took[count / 2]:0.0} ms, p99 {took[count * 99 / 100]:0.0} ms, max {took[^1]:0.0} ms"
            )
        );

        async Task CallAsync(int index, long due)
        {
            var created = await client.CreateInstanceAsync(RequestOf(accounts[index % accounts.Length], run, index));
            took[index] = Stopwatch.GetElapsedTime(due).TotalMilliseconds;
            await client.StartInstanceAsync(new StartInstanceRequest { Name = created.Name });
        }
    }

    private static CreateInstanceRequest RequestOf(string account, long run, int index) =>
        new()
        {
            Parent = account,
            ServingName = $"b-{run}-{index}",
            Spec = new LaunchSpec { Model = "Qwen/Qwen2.5-0.5B", ContextTokens = 4096 },
        };
}
