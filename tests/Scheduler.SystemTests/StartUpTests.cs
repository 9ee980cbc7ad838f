using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// A process that cannot start prints one line with the cause, exits with the code of that cause, and changes no file.
/// UnitTests/Host/SettingsTests covers the settings, ClusterTests/Storage/StoreFileTests the store files.
/// </summary>
public sealed class StartUpTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Listening_on_a_public_address_without_TLS_logs_a_warning()
    {
        await using var scheduler = new SchedulerProcess(
            null,
            "--Host:Address=0.0.0.0",
            "--Providers:Simulated:ServeRuntime=false"
        );
        await scheduler.StartAsync(Ct);

        // The log is written asynchronously, and is complete before the process exits.
        Assert.Equal(0, await scheduler.StopAsync(Ct));
        Assert.Contains(scheduler.Lines, line => line.Contains("This process listens on", StringComparison.Ordinal));
    }

    [Fact]
    public async Task All_invalid_settings_are_reported_together()
    {
        await using var scheduler = new SchedulerProcess(
            null,
            "--Host:ShutdownTimeout=0",
            "--Api:MaxWatchStreamsPerKey=0",
            "--Providers:Simulated:EurPerUsd=x"
        );

        var (exitCode, output) = await RunAsync(scheduler);

        Assert.Equal(2, exitCode);
        foreach (
            var path in new[] { "Host:ShutdownTimeout", "Api:MaxWatchStreamsPerKey", "Providers:Simulated:EurPerUsd" }
        )
        {
            Assert.Contains($"  {path} is ", output);
        }

        Assert.False(Directory.Exists(Path.Combine(scheduler.Folder, "data")), "Nothing is created.");
    }

    [Fact]
    public async Task An_unknown_argument_prints_the_usage()
    {
        await using var scheduler = new SchedulerProcess(null, "--config");

        var (exitCode, output) = await RunAsync(scheduler);

        Assert.Equal(2, exitCode);
        Assert.StartsWith("'--config' is not understood.", output);
        Assert.Contains("usage: scheduler [serve|demo]", output);
    }

    [Theory]
    [InlineData("HttpPort")]
    [InlineData("GrpcPort", Explicit = true)]
    [InlineData("SiloPort")]
    public async Task A_port_in_use_is_reported(string setting)
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using var scheduler = new SchedulerProcess(null, $"--Host:{setting}={port}");

        var (exitCode, output) = await RunAsync(scheduler);

        Assert.Equal(4, exitCode);
        Assert.Contains("The scheduler did not start:", output);
        Assert.Contains("address already in use", output, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Set Host:HttpPort, Host:GrpcPort and Host:SiloPort to free ports", output);
        Assert.DoesNotContain("Unhandled exception", output);
    }

    [Fact(Explicit = true)]
    public async Task A_store_that_is_not_a_database_is_reported_and_unchanged()
    {
        await using var scheduler = new SchedulerProcess();
        var store = StoreOf(scheduler);
        Directory.CreateDirectory(Path.GetDirectoryName(store)!);
        await File.WriteAllTextAsync(store, new string('x', 20_000), Ct);

        await AssertUnusableAsync(scheduler, "is damaged or is no database", "restore a backup");
    }

    [Fact]
    public async Task A_damaged_store_is_reported_and_unchanged()
    {
        await using var scheduler = await UsedAsync();
        var store = StoreOf(scheduler);
        var bytes = await File.ReadAllBytesAsync(store, Ct);
        for (var at = 4096; at < bytes.Length; at += 4096)
        {
            bytes.AsSpan(at, 512).Fill(0xA5);
        }

        await File.WriteAllBytesAsync(store, bytes, Ct);

        await AssertUnusableAsync(scheduler, "is damaged", "restore a backup");
    }

    [Fact(Explicit = true)]
    public async Task A_store_of_a_newer_version_is_reported_and_unchanged()
    {
        await using var scheduler = await UsedAsync();
        await using (var connection = new SqliteConnection($"Data Source={StoreOf(scheduler)};Pooling=False"))
        {
            await connection.OpenAsync(Ct);
            await using var command = connection.CreateCommand();
            command.CommandText =
                "INSERT INTO schema_version (version, name, applied_at) VALUES (99, '0099_later.sql', '2099-01-01T00:00:00Z'); "
                + "PRAGMA wal_checkpoint(TRUNCATE)";
            await command.ExecuteNonQueryAsync(Ct);
        }

        await AssertUnusableAsync(scheduler, "has schema version 99", "run the newer build");
    }

    [Fact(Explicit = true)]
    public async Task A_store_held_by_another_process_is_reported_and_unchanged()
    {
        await using var holder = new SchedulerProcess();
        await holder.StartAsync(Ct);
        var account = (await ApiClient.Of("grpc", holder).CreateAccountAsync("acct-held")).Ok;
        await using var second = new SchedulerProcess(null, $"--Storage:Sqlite:Path={StoreOf(holder)}");

        var (exitCode, output) = await RunAsync(second);

        Assert.Equal(3, exitCode);
        Assert.Contains("is in use by another process", output);
        Assert.Equal(account.Name, (await ApiClient.Of("http", holder).GetAccountAsync(account.Name)).Ok.Name);
    }

    private static async Task AssertUnusableAsync(SchedulerProcess scheduler, string fault, string remedy)
    {
        var store = StoreOf(scheduler);
        var before = await HashAsync(store);

        var (exitCode, output) = await RunAsync(scheduler);

        Assert.Equal(3, exitCode);
        var line = Assert.Single(
            output.Split('\n'),
            line => line.StartsWith("The scheduler did not start", StringComparison.Ordinal)
        );
        Assert.Contains(store, line);
        Assert.Contains(fault, line);
        Assert.Contains(remedy, line);
        Assert.DoesNotContain("Unhandled exception", output);
        Assert.Equal(before, await HashAsync(store));
        Assert.False(File.Exists(store + "-wal") && new FileInfo(store + "-wal").Length > 0, "No log file is created.");
    }

    /// <summary>A scheduler that has run, stored data and stopped.</summary>
    private static async Task<SchedulerProcess> UsedAsync()
    {
        var scheduler = new SchedulerProcess();
        await scheduler.StartAsync(Ct);
        _ = (await ApiClient.Of("grpc", scheduler).CreateAccountAsync("acct-used")).Ok;
        Assert.Equal(0, await scheduler.StopAsync(Ct));
        return scheduler;
    }

    private static async Task<(int ExitCode, string Output)> RunAsync(SchedulerProcess scheduler)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        return await scheduler.RunToEndAsync(limit.Token);
    }

    private static string StoreOf(SchedulerProcess scheduler) => Path.Combine(scheduler.Folder, "data", "scheduler.db");

    private static async Task<string> HashAsync(string file) =>
        Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(file, Ct)));
}
