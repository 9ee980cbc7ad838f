using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;
using Orleans.Configuration;
using Scheduler.Storage;
using Scheduler.Storage.PostgreSql;
using Scheduler.TestKit;

namespace Scheduler.Benchmarks;

/// <summary>
/// Grain writes per second to PostgreSQL: Orleans' ADO.NET storage with its own connections, and the same storage with
/// the store that batches its statements. The baseline is pgbench's prepared single-row upsert of the same payload, on
/// the same server in the same run.
/// </summary>
public static partial class PostgreSqlFigures
{
    /// <param name="args">Optional: seconds per row (default 5).</param>
    public static async Task RunAsync(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        var seconds = args.Length > 0 ? double.Parse(args[0], CultureInfo.InvariantCulture) : 5;
        await using var server = await PostgreSqlServer.StartAsync(durable: true, ["shared_buffers=512MB"]);
        var database = await server.CreateDatabaseAsync();
        var options = new StorageOptions { PostgreSql = { ConnectionString = database } };
        await PostgreSqlStore.Open(options, TimeProvider.System).DisposeAsync();
        var single = await PgbenchAsync(database, 1, seconds);
        var baseline = await PgbenchAsync(database, 8, seconds);
        Console.WriteLine(
            "| what | c | writes/s | x pgbench c=8 | p50 ms | p99 ms | ping p50 ms | ping p99 ms | per commit |"
        );
        Console.WriteLine("|---|--:|--:|--:|--:|--:|--:|--:|--:|");
        Console.WriteLine($"| pgbench upsert, payload alone | 1 | {single:F0} | | | | | | 1 |");
        Console.WriteLine($"| pgbench upsert, payload alone | 8 | {baseline:F0} | 1.00 | | | | | 1 |");
        await MeasureOwnConnectionsAsync(await PreparedDatabaseAsync(server), seconds, baseline);
        await MeasureBatchedAsync(await PreparedDatabaseAsync(server), seconds, baseline);
        var again = await PgbenchAsync(database, 8, seconds);
        Console.WriteLine($"| pgbench upsert, again | 8 | {again:F0} | {again / baseline:F2} | | | | | 1 |");
    }

    private static async Task<string> PreparedDatabaseAsync(PostgreSqlServer server)
    {
        var database = await server.CreateDatabaseAsync();
        var options = new StorageOptions { PostgreSql = { ConnectionString = database } };
        await PostgreSqlStore.Open(options, TimeProvider.System).DisposeAsync();
        return database;
    }

    private static async Task MeasureOwnConnectionsAsync(string database, double seconds, double baseline)
    {
        await using var source = NpgsqlDataSource.Create(
            $"{database};No Reset On Close=true;Max Auto Prepare=20;Maximum Pool Size=64"
        );
        using var host = await StorageFigures.StartSiloAsync(silo =>
            silo.AddAdoNetGrainStorage(
                StorageSetup.DefaultName,
                (AdoNetGrainStorageOptions storage) =>
                {
                    storage.Invariant = "Npgsql";
                    storage.DataSource = source;
                    storage.GrainStorageSerializer = new StateSerializer();
                }
            )
        );
        foreach (var writers in new[] { 1, 8, 64 })
        {
            await StorageFigures.MeasureAsync(
                "own connections",
                host.Services,
                writers,
                seconds,
                baseline,
                () => (0, 0)
            );
        }

        await host.StopAsync();
    }

    private static async Task MeasureBatchedAsync(string database, double seconds, double baseline)
    {
        using var host = await StorageFigures.StartSiloAsync(silo =>
            silo.AddSchedulerStorage(new StorageOptions { PostgreSql = { ConnectionString = database } })
        );
        var store = host.Services.GetRequiredService<PostgreSqlStore>();
        foreach (var writers in new[] { 1, 8, 64, 256 })
        {
            await StorageFigures.MeasureAsync(
                "batched",
                host.Services,
                writers,
                seconds,
                baseline,
                () => (store.Commits, store.Statements)
            );
        }

        await host.StopAsync();
    }

    /// <summary>
    /// Upserts per second of pgbench: one row of the same size by its key, prepared, one commit each.
    /// </summary>
    internal static async Task<double> PgbenchAsync(string database, int clients, double seconds)
    {
        await PostgreSqlServer.ExecuteAsync(
            database,
            "CREATE TABLE IF NOT EXISTS plain (id bigint PRIMARY KEY, payload text) WITH (fillfactor = 60)"
        );
        var payload = JsonSerializer.Serialize(StorageFigures.Record("i-0", 1), StateSerializer.Options);
        var script = Path.GetTempFileName();
        await File.WriteAllTextAsync(
            script,
            $"\\set id random(1, 2000)\nINSERT INTO plain VALUES (:id, '{payload.Replace("'", "''", StringComparison.Ordinal).Replace(":", "\\u003a", StringComparison.Ordinal)}') ON CONFLICT (id) DO UPDATE SET payload = excluded.payload;\n"
        );
        var where = new NpgsqlConnectionStringBuilder(database);
        var start = new ProcessStartInfo(
            PostgreSqlServer.Program("pgbench"),
            [
                "--no-vacuum",
                "--protocol=prepared",
                $"--client={clients}",
                "--jobs=2",
                $"--time={(int)Math.Ceiling(seconds)}",
                $"--file={script}",
                $"--host={where.Host}",
                $"--port={where.Port}",
                $"--username={where.Username}",
                where.Database!,
            ]
        )
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        File.Delete(script);
        return Tps().Match(output) is { Success: true } found
            ? double.Parse(found.Groups["tps"].Value, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"pgbench says:\n{output}{await errors}");
    }

    [GeneratedRegex(@"tps = (?<tps>[0-9.]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Tps();
}
