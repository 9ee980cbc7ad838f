using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Data.Sqlite;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>What keeps the process from starting is said in one line that names it, by an exit code of its own, and nothing is touched.</summary>
public sealed class StartUpTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Host:HttpPort", "abc", "a whole number")]
    [InlineData("Host:GrpcPort", "70000", "0 to 65535")]
    [InlineData("Host:Log", "xml", "console, json")]
    [InlineData("Host:Adress", "::1", "Address")]
    [InlineData("Host:Role", "silos", "all, doors, silo")]
    [InlineData("Host:Role", "doors", "accepted without Storage:PostgreSql: all")]
    [InlineData("Host:Role", "silo", "accepted without Storage:PostgreSql: all")]
    [InlineData("Host:SiloAddress", "0.0.0.0", "the one IP address others reach this host at")]
    [InlineData("Host:GatewayPort", "-1", "0 to 65535")]
    [InlineData("Host:PortOffset", "20000", "0 to 10000")]
    [InlineData("Host:DrainFor", "00:01:00", "0 to below ShutdownTimeout")]
    [InlineData("Host:FinishWithin", "00:00:00", "above 0, to 01:00:00")]
    [InlineData("Scheduler:Launch:AllocationTimeout", "soon", "a duration such as 00:01:30")]
    [InlineData("Scheduler:Billing:LaunchMinimumEuros", "-1", "0 to 1000000")]
    [InlineData("Scheduler:Launch:AllocationTimout", "00:01:00", "AllocationTimeout")]
    [InlineData("Storage:Sqlite:Synchronous", "OFF", "FULL and NORMAL")]
    [InlineData("Storage:Sqlite:MaxBatch", "many", "a whole number")]
    [InlineData("Api:MaxBodyBytes", "5", "1024 to 16777216")]
    [InlineData("Api:MaxBodyBytes", "big", "a whole number")]
    [InlineData("Api:MaxBody", "5", "MaxBodyBytes")]
    [InlineData("Api:RequestsPerSecondPerKey", "-1", "0 to 100000")]
    [InlineData("Api:MaxRequests", "8", "64 to 100000")]
    [InlineData("Api:MaxQueueWait", "00:02:00", "to 00:01:00")]
    [InlineData("Dashboard:MaxRequests", "8", "16 to 100000")]
    [InlineData("Dashboard:MaxWindows", "many", "a whole number")]
    [InlineData("Dashboard:MaxWindow", "5", "MaxWindows")]
    [InlineData("Dashboard:Enabled", "perhaps", "true or false")]
    [InlineData("Dashboard:SessionLifetime", "00:00:10", "00:01:00 to 30.00:00:00")]
    [InlineData("Dashboard:UnknownBurstPerAddress", "0", "1 to 1000000")]
    [InlineData("Providers:Simulated:Seed", "abc", "a whole number")]
    [InlineData("Providers:Simulated:Faults:0:NeverAnswer", "perhaps", "true or false")]
    [InlineData("Providers:Simulated:Vendors:0", "acme", "azure")]
    [InlineData("Providers:Process:Presets:mine:TokenizeShape", "round", "Vllm, LlamaServer")]
    [InlineData("Providers:Cloud", "on", "Simulated, Process")]
    [InlineData("Schedular:ClusterId", "a", "Host, Scheduler, Storage, Providers, Api")]
    public async Task A_wrong_setting_is_named_with_its_path_the_value_and_what_is_accepted(
        string path,
        string value,
        string accepted
    )
    {
        await using var scheduler = new SchedulerProcess(null, $"--{path}={value}");

        var (exitCode, output) = await RunAsync(scheduler);

        Assert.Equal(2, exitCode);
        var line = Assert.Single(output.Split('\n'), line => line.StartsWith("  ", StringComparison.Ordinal));
        var section = path.StartsWith("Schedular", StringComparison.Ordinal);
        Assert.StartsWith(section ? "  Schedular is " : $"  {path} is ", line);
        Assert.Contains(section ? "'a section'" : $"'{value}'", Comparable(line, value));
        Assert.Contains(accepted, line);
        Assert.False(Directory.Exists(Path.Combine(scheduler.Folder, "data")), "Nothing was touched.");
    }

    [Theory]
    [InlineData("Providers:Process:Enabled", "true", "false, since its runtimes are bound to one host")]
    [InlineData("Providers:Simulated:StatePath", "", "a file that the silos of this host share")]
    public async Task What_a_cluster_cannot_have_is_named(string path, string value, string accepted)
    {
        await using var scheduler = new SchedulerProcess(
            null,
            "--Storage:PostgreSql:ConnectionString=Host=127.0.0.1",
            $"--{path}={value}"
        );

        var (exitCode, output) = await RunAsync(scheduler);

        Assert.Equal(2, exitCode);
        Assert.Contains($"  {path} is '{value}'; accepted with Storage:PostgreSql: {accepted}", output);
    }

    [Fact]
    public async Task Certificates_that_do_not_go_together_are_named()
    {
        var folder = Directory.CreateTempSubdirectory("certificates-").FullName;
        using var authority = new TestAuthority(folder, "ca");
        var (one, another) = (authority.Issue("one"), authority.Issue("another"));
        await using var scheduler = new SchedulerProcess(
            null,
            $"--Host:Tls:CertificatePath={one.Certificate}",
            $"--Host:Tls:KeyPath={another.Key}",
            $"--Host:Tls:Silo:CertificatePath={one.Certificate}",
            $"--Host:Tls:Silo:CaPath={one.Key}"
        );

        var (exitCode, output) = await RunAsync(scheduler);

        Assert.Equal(2, exitCode);
        Assert.Contains(
            $"  Host:Tls:CertificatePath is '{one.Certificate}'; accepted: a PEM file that goes with",
            output
        );
        Assert.Contains("  Host:Tls:Silo:KeyPath is ''; accepted: a PEM file", output);
        Assert.Contains($"  Host:Tls:Silo:CaPath is '{one.Key}'; accepted: a PEM file of certificates", output);
    }

    [Fact]
    public async Task A_door_open_to_the_network_without_tls_is_said_loudly()
    {
        await using var scheduler = new SchedulerProcess(
            null,
            "--Host:Address=0.0.0.0",
            "--Providers:Simulated:ServeRuntime=false"
        );
        await scheduler.StartAsync(Ct);

        // Log lines are written beside everything else, and all of them before the end.
        Assert.Equal(0, await scheduler.StopAsync(Ct));
        Assert.Contains(scheduler.Lines, line => line.Contains("This process listens on", StringComparison.Ordinal));
    }

    [Fact]
    public async Task All_wrong_settings_are_named_at_once()
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
    }

    [Theory]
    [InlineData("""{ "Host": { """, "LineNumber: 0")]
    [InlineData("""{ "Host": { "Log": "json", "Log": "console" } }""", "Host:Log")]
    [InlineData("""[1, 2]""", "Top-level JSON element must be an object")]
    [InlineData(null, "was not found")]
    [InlineData(null, "was not found", "--config=mine.json")]
    public async Task A_settings_file_that_cannot_be_read_is_named_with_the_fault(
        string? text,
        string fault,
        params string[] arguments
    )
    {
        await using var scheduler = new SchedulerProcess(
            null,
            arguments.Length > 0 ? arguments : ["--config", "mine.json"]
        );
        if (text is not null)
        {
            await File.WriteAllTextAsync(Path.Combine(scheduler.Folder, "mine.json"), text, Ct);
        }

        var (exitCode, output) = await RunAsync(scheduler);

        Assert.Equal(2, exitCode);
        Assert.Contains("--config is 'mine.json'", output);
        Assert.Contains(fault, output);
    }

    [Theory]
    [InlineData("launch")]
    [InlineData("--config")]
    [InlineData("--config=")]
    [InlineData("--=x")]
    [InlineData("-v")]
    public async Task Arguments_that_make_no_sense_are_answered_with_the_usage(string argument)
    {
        await using var scheduler = new SchedulerProcess(null, argument);

        var (exitCode, output) = await RunAsync(scheduler);

        Assert.Equal(2, exitCode);
        Assert.StartsWith($"'{argument}' is not understood.", output);
        Assert.Contains("usage: scheduler [serve|demo]", output);
    }

    [Theory]
    [InlineData("HttpPort")]
    [InlineData("GrpcPort")]
    [InlineData("SiloPort")]
    public async Task A_port_in_use_is_told(string setting)
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

    [Fact]
    public async Task A_store_that_is_no_database_is_left_as_it_is()
    {
        await using var scheduler = new SchedulerProcess();
        var store = StoreOf(scheduler);
        Directory.CreateDirectory(Path.GetDirectoryName(store)!);
        await File.WriteAllTextAsync(store, new string('x', 20_000), Ct);

        await AssertUnusableAsync(scheduler, "is damaged or is no database", "restore a backup");
    }

    [Fact]
    public async Task A_damaged_store_is_left_as_it_is()
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

    [Fact]
    public async Task A_store_of_a_newer_version_is_left_as_it_is()
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

    [Fact]
    public async Task A_store_that_another_process_holds_is_left_as_it_is()
    {
        await using var holder = new SchedulerProcess();
        await holder.StartAsync(Ct);
        var account = (await Door.Of("grpc", holder).CreateAccountAsync("acct-held")).Ok;
        await using var second = new SchedulerProcess(null, $"--Storage:Sqlite:Path={StoreOf(holder)}");

        var (exitCode, output) = await RunAsync(second);

        Assert.Equal(3, exitCode);
        Assert.Contains("is in use by another process", output);
        Assert.Equal(account.Name, (await Door.Of("http", holder).GetAccountAsync(account.Name)).Ok.Name);
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
        Assert.False(
            File.Exists(store + "-wal") && new FileInfo(store + "-wal").Length > 0,
            "No log was begun beside it."
        );
    }

    /// <summary>One that has run, kept something, and stopped.</summary>
    private static async Task<SchedulerProcess> UsedAsync()
    {
        var scheduler = new SchedulerProcess();
        await scheduler.StartAsync(Ct);
        _ = (await Door.Of("grpc", scheduler).CreateAccountAsync("acct-used")).Ok;
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

    /// <summary>Some settings show a number without quotes.</summary>
    private static string Comparable(string line, string value) =>
        line.Replace($" is {value};", $" is '{value}';", StringComparison.Ordinal);
}
