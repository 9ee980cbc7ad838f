using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Scheduler.Api.V1;
using Scheduler.TestKit;

namespace Scheduler.Benchmarks;

/// <summary>
/// P-6 and P-7 on the embedded store: launches per second through the gRPC door of a process of its own (create and start, each acknowledged,
/// then watched until running), and the latency of an acknowledged create at half that rate.
/// </summary>
public static class LaunchFigures
{
    private const int Concurrency = 64;

    /// <summary>Runs and prints both tables.</summary>
    /// <param name="args">[launches, default 4000]</param>
    public static async Task RunAsync(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        var launches = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 4000;
        var folder = Directory.CreateTempSubdirectory("scheduler-figures-").FullName;
        var baseline = StorageFigures.Baseline(Path.Combine(folder, "bare.db"), 5, "FULL", projected: false);
        Console.WriteLine($"baseline: {baseline:0} upserts/s, one connection, one commit each, FULL");
        foreach (var accounts in new[] { 100, 1 })
        {
            await using var scheduler = new SchedulerProcess(null, SchedulerProcess.ZeroDelay);
            await scheduler.StartAsync();
            var names = await AccountsAsync(scheduler, accounts);
            await LaunchAsync(scheduler, names, launches / 4);
            var cpu = scheduler.Cpu;
            var (rate, acknowledged) = await LaunchAsync(scheduler, names, launches);
            cpu = scheduler.Cpu - cpu;
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{accounts, 4} account(s): {rate, 7:0} launches/s to running ({rate / baseline:0.00} of the baseline), {acknowledged, 7:0}/s acknowledged, {cpu.TotalMilliseconds / launches:0.00} ms CPU each"
                )
            );
            await PrintLatencyAsync(scheduler, names, rate / 2);
        }
    }

    private static async Task<string[]> AccountsAsync(SchedulerProcess scheduler, int count)
    {
        var client = new Accounts.AccountsClient(scheduler.Channel);
        var names = new string[count];
        for (var i = 0; i < count; i++)
        {
            names[i] = $"accounts/acct-bench-{i}";
            await client.CreateAccountAsync(
                new CreateAccountRequest { AccountId = $"acct-bench-{i}", DisplayName = "bench" },
                scheduler.Auth
            );
            await client.TopUpAccountAsync(
                new TopUpAccountRequest
                {
                    Name = names[i],
                    AmountMicroEur = 1_000_000_000_000,
                    Reference = "bench",
                },
                scheduler.Auth
            );
        }

        return names;
    }

    private static async Task<(double ToRunning, double Acknowledged)> LaunchAsync(
        SchedulerProcess scheduler,
        string[] accounts,
        int launches
    )
    {
        var client = new Instances.InstancesClient(scheduler.Channel);
        var run = Stopwatch.GetTimestamp();
        var started = new ConcurrentQueue<string>();
        var next = -1;
        async Task WorkAsync()
        {
            for (var i = Interlocked.Increment(ref next); i < launches; i = Interlocked.Increment(ref next))
            {
                var created = await client.CreateInstanceAsync(
                    RequestOf(accounts[i % accounts.Length], run, i),
                    scheduler.Auth
                );
                await client.StartInstanceAsync(new StartInstanceRequest { Name = created.Name }, scheduler.Auth);
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
                    (await client.GetInstanceAsync(get, scheduler.Auth, null, cancellationToken)).State
                    != InstanceState.Running
                ) { }
            }
        );
        return (launches / Stopwatch.GetElapsedTime(run).TotalSeconds, acknowledged);
    }

    /// <summary>Creates arrive at a fixed rate, whatever the answers take: a slow answer does not make the next request wait.</summary>
    private static async Task PrintLatencyAsync(SchedulerProcess scheduler, string[] accounts, double rate)
    {
        var client = new Instances.InstancesClient(scheduler.Channel);
        var count = (int)(rate * 8);
        var run = Stopwatch.GetTimestamp();
        var took = new double[count];
        var calls = new Task[count];
        for (var i = 0; i < count; i++)
        {
            var due = run + (long)(i / rate * Stopwatch.Frequency);
            while (Stopwatch.GetTimestamp() < due)
            {
                await Task.Delay(1);
            }

            var index = i;
            calls[i] = CallAsync(index, due);
        }

        await Task.WhenAll(calls);
        Array.Sort(took);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"                 create at {rate:0}/s: p50 {took[count / 2]:0.0} ms, p99 {took[count * 99 / 100]:0.0} ms, max {took[^1]:0.0} ms"
            )
        );

        async Task CallAsync(int index, long due)
        {
            var created = await client.CreateInstanceAsync(
                RequestOf(accounts[index % accounts.Length], run, index),
                scheduler.Auth
            );
            took[index] = Stopwatch.GetElapsedTime(due).TotalMilliseconds;
            await client.StartInstanceAsync(new StartInstanceRequest { Name = created.Name }, scheduler.Auth);
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
