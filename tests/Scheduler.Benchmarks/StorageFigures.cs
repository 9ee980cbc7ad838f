using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Storage;
using Scheduler.Storage.Sql;
using Scheduler.Storage.Sqlite;

namespace Scheduler.Benchmarks;

/// <summary>
/// P-6: grain writes per second through a real silo to the embedded file, with one to many concurrent writers. The
/// baseline is a single connection that commits each of the same writes alone. Also measures how long an unrelated grain takes
/// to answer meanwhile.
/// </summary>
public static class StorageFigures
{
    private const int Grains = 2000;

    private static readonly TimeProvider Clock = TimeProvider.System;

    /// <param name="args">
    /// Optional: seconds per row (default 5), directory of the file (default: temporary), FULL or NORMAL.
    /// </param>
    public static async Task RunAsync(string[] args)
    {
        var seconds = args.Length > 0 ? double.Parse(args[0], CultureInfo.InvariantCulture) : 5;
        var directory = args.Length > 1 ? Directory.CreateDirectory(args[1]) : Directory.CreateTempSubdirectory("p6-");
        var synchronous = args.Length > 2 ? args[2] : "FULL";
        var path = Path.Combine(directory.FullName, "figures.db");
        File.Delete(path);
        Console.WriteLine(
            $"payload {JsonSerializer.SerializeToUtf8Bytes(Record("i-0", 1), StateSerializer.Options).Length} B, synchronous={synchronous}, {seconds} s per row"
        );
        var bare = Baseline(Path.Combine(directory.FullName, "bare.db"), seconds, synchronous, projected: false);
        var same = Baseline(Path.Combine(directory.FullName, "same.db"), seconds, synchronous, projected: true);
        Console.WriteLine(
            "| what | c | writes/s | x baseline | p50 ms | p99 ms | ping p50 ms | ping p99 ms | per commit |"
        );
        Console.WriteLine("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
        Console.WriteLine($"| one connection, a commit each, plain table | 1 | {bare:F0} | | | | | | 1 |");
        Console.WriteLine(
            $"| one connection, a commit each, our statement and rows | 1 | {same:F0} | 1.0 | | | | | 1 |"
        );

        Console.WriteLine();
        Console.WriteLine("| writer thread's CPU per write, 64 a commit, no fsync | us |");
        Console.WriteLine("|---|--:|");
        foreach (
            var without in new[]
            {
                "",
                "DROP TRIGGER written_any",
                "DROP TRIGGER written_instance",
                "DROP VIEW written",
            }
        )
        {
            Console.WriteLine(
                $"| {(without.Length == 0 ? "as it is" : without)} | {StatementCost(directory.FullName, without):F1} |"
            );
        }

        Console.WriteLine();
        using var host = await StartAsync(path, synchronous);
        foreach (var writers in new[] { 1, 8, 64, 1, 8, 64 })
        {
            var store = host.Services.GetRequiredService<SqliteStore>();
            await MeasureAsync("silo", host.Services, writers, seconds, same, () => (store.Commits, store.Statements));
        }

        await host.StopAsync();
    }

    private static Task<IHost> StartAsync(string path, string synchronous) =>
        StartSiloAsync(silo =>
            silo.AddSchedulerStorage(new StorageOptions { Sqlite = { Path = path, Synchronous = synchronous } })
        );

    /// <summary>A silo with only a storage.</summary>
    internal static async Task<IHost> StartSiloAsync(Action<ISiloBuilder> addStorage)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.UseOrleans(silo =>
        {
            silo.UseLocalhostClustering(siloPort: 21111, gatewayPort: 0);
            addStorage(silo);
        });
        var host = builder.Build();
        await host.StartAsync();
        return host;
    }

    /// <summary>One row of the table: a number of writers for a number of seconds.</summary>
    internal static async Task MeasureAsync(
        string what,
        IServiceProvider services,
        int writers,
        double seconds,
        double baseline,
        Func<(long Commits, long Statements)> counts
    )
    {
        var grains = services.GetRequiredService<IGrainFactory>();
        var latencies = new ConcurrentBag<double>();
        var (commits, statements) = counts();
        var start = Clock.GetTimestamp();
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(seconds), Clock);
        var pings = PingAsync(grains.GetGrain<IPingGrain>("ping-1"), stop.Token);
        await Task.WhenAll(
            Enumerable.Range(0, writers).Select(w => WriteAsync(grains, w, writers, latencies, stop.Token))
        );
        var rate = latencies.Count / Clock.GetElapsedTime(start).TotalSeconds;
        var (pingMedian, pingTail) = Percentiles(await pings);
        var (median, tail) = Percentiles([.. latencies]);
        var after = counts();
        var share = (double)(after.Statements - statements) / (after.Commits - commits);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {what} | {writers} | {rate:F0} | {rate / baseline:F2} | {median:F2} | {tail:F2} | {pingMedian:F2} | {pingTail:F2} | {share:F1} |"
            )
        );
    }

    private static async Task WriteAsync(
        IGrainFactory grains,
        int writer,
        int writers,
        ConcurrentBag<double> latencies,
        CancellationToken stop
    )
    {
        for (var i = writer; !stop.IsCancellationRequested; i += writers)
        {
            var start = Clock.GetTimestamp();
            await grains.GetGrain<IFigureGrain>($"i-figure-{i % Grains}").StepAsync();
            latencies.Add(Clock.GetElapsedTime(start).TotalMilliseconds);
        }
    }

    private static async Task<double[]> PingAsync(IPingGrain grain, CancellationToken stop)
    {
        var latencies = new List<double>();
        while (!stop.IsCancellationRequested)
        {
            var start = Clock.GetTimestamp();
            await grain.PingAsync();
            latencies.Add(Clock.GetElapsedTime(start).TotalMilliseconds);
            await Task.Delay(TimeSpan.FromMilliseconds(2), Clock, CancellationToken.None);
        }

        return [.. latencies];
    }

    private static (double Median, double Tail) Percentiles(double[] values)
    {
        Array.Sort(values);
        return values.Length == 0 ? (0, 0) : (values[values.Length / 2], values[values.Length * 99 / 100]);
    }

    /// <summary>The simplest program: one connection, one prepared statement, one commit per write.</summary>
    internal static double Baseline(string path, double seconds, string synchronous, bool projected)
    {
        File.Delete(path);
        var options = new StorageOptions { Sqlite = { Path = path, Synchronous = synchronous } };
        var sql =
            "INSERT INTO plain (id, payload) VALUES (@GrainIdExtensionString, @PayloadBinary) ON CONFLICT (id) DO UPDATE SET payload = excluded.payload";
        if (projected)
        {
            using (SqliteStore.Open(options, Clock)) { }
        }

        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var pragma = connection.CreateCommand();
        pragma.CommandText = $"PRAGMA journal_mode=WAL; PRAGMA synchronous={synchronous};";
        pragma.ExecuteNonQuery();
        pragma.CommandText = projected
            ? "SELECT QueryText FROM OrleansQuery WHERE QueryKey = 'WriteToStorageKey'"
            : "CREATE TABLE plain (id TEXT PRIMARY KEY, payload BLOB)";
        sql = pragma.ExecuteScalar() as string ?? sql;

        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.Parameters.AddWithValue("@GrainTypeString", "instance");
        command.Parameters.AddWithValue("@GrainIdN0", 0);
        command.Parameters.AddWithValue("@GrainIdN1", 0);
        var id = command.Parameters.AddWithValue("@GrainIdExtensionString", "");
        var version = command.Parameters.AddWithValue("@GrainStateVersion", DBNull.Value);
        var payload = command.Parameters.AddWithValue("@PayloadBinary", Array.Empty<byte>());
        command.Prepare();
        var writes = 0;
        var start = Clock.GetTimestamp();
        while (Clock.GetElapsedTime(start).TotalSeconds < seconds)
        {
            var round = (writes / Grains) + 1;
            id.Value = $"i-figure-{writes % Grains}";
            version.Value = round == 1 ? DBNull.Value : round - 1;
            payload.Value = JsonSerializer.SerializeToUtf8Bytes(
                Record((string)id.Value, round),
                StateSerializer.Options
            );
            command.ExecuteNonQuery();
            writes++;
        }

        return writes / Clock.GetElapsedTime(start).TotalSeconds;
    }

    /// <summary>CPU microseconds of the single writer thread per write, with or without the projected rows.</summary>
    private static double StatementCost(string directory, string without)
    {
        const int Writes = 40_000;
        var path = Path.Combine(directory, "cost.db");
        File.Delete(path);
        using (SqliteStore.Open(new StorageOptions { Sqlite = { Path = path } }, Clock)) { }

        using var database = SqliteDatabase.Open(
            path,
            readOnly: false,
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; PRAGMA cache_size=-65536; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=8192;"
                + (
                    without.StartsWith("DROP VIEW", StringComparison.Ordinal)
                        ? "DROP TRIGGER states_inserted; DROP TRIGGER states_updated;"
                        : without
                )
        );
        var sql = database.Query(
            "SELECT QueryText FROM OrleansQuery WHERE QueryKey = 'WriteToStorageKey'",
            [],
            row => row.Text(0)
        )[0];
        var payloads = Enumerable
            .Range(0, Writes)
            .Select(i =>
                JsonSerializer.SerializeToUtf8Bytes(
                    Record($"i-figure-{i % Grains}", (i / Grains) + 1),
                    StateSerializer.Options
                )
            )
            .ToArray();
        var before = Environment.CpuUsage.TotalTime;
        for (var i = 0; i < Writes; i++)
        {
            if (i % 64 == 0)
            {
                database.Execute("BEGIN IMMEDIATE");
            }

            database.Execute(
                sql,
                new SqlValue("GrainTypeString", "instance"),
                new SqlValue("GrainIdN0", 0),
                new SqlValue("GrainIdN1", 0),
                new SqlValue("GrainIdExtensionString", $"i-figure-{i % Grains}"),
                new SqlValue("GrainStateVersion", i < Grains ? null : i / Grains),
                new SqlValue("PayloadBinary", payloads[i])
            );
            if (i % 64 == 63)
            {
                database.Execute("COMMIT");
            }
        }

        return (Environment.CpuUsage.TotalTime - before).TotalMicroseconds / Writes;
    }

    /// <summary>An instance in <c>provisioning</c> with one new event and a deadline, as a launch writes it.</summary>
    internal static InstanceRecord Record(string id, long generation)
    {
        var now = DateTimeOffset.UnixEpoch.AddYears(56).AddSeconds(generation);
        var request = new RequestId($"req-{id}-{generation}");
        return new InstanceRecord
        {
            Id = new InstanceId(id),
            Account = new AccountId("acct-figures"),
            ServingName = $"serve-{id}",
            Spec = new LaunchSpec { Model = "Qwen/Qwen2.5-7B-Instruct" },
            State = generation % 2 == 0 ? InstanceState.Starting : InstanceState.Provisioning,
            StateSince = now,
            Generation = generation,
            Run = 1,
            Attempt = 1,
            Intent = new AllocationIntent
            {
                Key = new AllocationKey($"{id}/1/1"),
                Offer = new Offer(
                    new ProviderId("simulated"),
                    "offer-1",
                    "eu-west",
                    "RTX 4090",
                    1,
                    CapacityTier.Community,
                    Spot: false,
                    new MicroEuro(1_290_000),
                    Available: 3
                ),
                PriceSnapshot = new MicroEuro(1_290_000),
                Hold = new MicroEuro(1_290_000),
                AllocationDeadline = now.AddMinutes(2),
                Why = "cheapest of 14 that fit",
                Model = "Qwen/Qwen2.5-7B-Instruct",
            },
            RequestId = request,
            CreatedAt = DateTimeOffset.UnixEpoch.AddYears(56),
            UpdatedAt = now,
            WakeAt = now.AddMinutes(2),
            Events =
            [
                new StoredEvent
                {
                    Sequence = generation,
                    At = now,
                    Trigger = "OfferChosen",
                    From = "Checking",
                    To = "Provisioning",
                    Reason = "cheapest of 14 that fit",
                    RequestId = request,
                    Actor = "key:key-figures",
                },
            ],
            LastSequence = generation,
            Handled = [new HandledCommand("Start", request.Value)],
        };
    }
}

/// <summary>Writes a realistic record per call.</summary>
public interface IFigureGrain : IGrainWithStringKey
{
    /// <summary>One transition, durable when the call returns.</summary>
    Task StepAsync();
}

/// <summary>Does nothing; measures the latency of a call.</summary>
public interface IPingGrain : IGrainWithStringKey
{
    Task PingAsync();
}

internal sealed class FigureGrain(
    [PersistentState("instance", StorageSetup.DefaultName)] IPersistentState<InstanceRecord> state
) : Grain, IFigureGrain
{
    public Task StepAsync()
    {
        state.State = StorageFigures.Record(this.GetPrimaryKeyString(), state.State.Generation + 1);
        return state.WriteStateAsync(CancellationToken.None);
    }
}

internal sealed class PingGrain : Grain, IPingGrain
{
    public Task PingAsync() => Task.CompletedTask;
}
