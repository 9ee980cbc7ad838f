using Npgsql;
using Scheduler.TestKit;
using Xunit;
using InstanceState = Scheduler.Api.V1.InstanceState;

namespace Scheduler.SystemTests;

/// <summary>
/// Dumps the shared database while a scheduler writes, and restores it into an empty one, with the scripts of
/// deploy/backup.
/// </summary>
public sealed class PostgreSqlBackupTests
{
    private const string Account = "accounts/acct-dumped";

    [Fact]
    public async Task A_database_dump_restores_instances_and_balances()
    {
        var ct = TestContext.Current.CancellationToken;
        var server = await PostgreSqlServer.SharedAsync(ct);
        var (from, to) = (await server.CreateDatabaseAsync(ct), await server.CreateDatabaseAsync(ct));
        var place = Directory.CreateTempSubdirectory("dump-").FullName;
        string[] settings =
        [
            .. SchedulerProcess.ZeroDelay,
            "--Providers:Simulated:Vendors:0=lambda",
            $"--Providers:Simulated:StatePath={Path.Combine(place, "cloud.journal")}",
        ];
        await using var first = new SchedulerProcess(
            null,
            [.. settings, $"--Storage:PostgreSql:ConnectionString={from}"]
        );
        // The operator's key lies in the same folder as the SQLite file would.
        Directory.CreateDirectory(Path.Combine(first.Folder, "data"));
        await first.StartAsync(ct);
        var api = ApiClient.Of("grpc", first);
        _ = (await api.CreateAccountAsync("acct-dumped")).Ok;
        _ = (await api.TopUpAsync(Account, 1_000_000_000, "opening")).Ok;
        var created = (await api.CreateInstanceAsync(Account, "dumped", Troubles.On(Troubles.Small))).Ok;
        _ = (await api.StartAsync(created.Name)).Ok;
        await api.UntilAsync(created.Name, instance => instance.State == InstanceState.Running);

        await ScriptAsync("backup-postgresql.sh", from, place, ct);
        await first.KillAsync();
        var dump = Assert.Single(Directory.EnumerateFiles(place, "scheduler-*.dump"));
        await ScriptAsync("restore-postgresql.sh", to, place, ct, dump);

        await using var second = new SchedulerProcess(
            null,
            [.. settings, $"--Storage:PostgreSql:ConnectionString={to}"]
        );
        Directory.CreateDirectory(Path.Combine(second.Folder, "data"));
        await second.StartAsync(ct);
        var restored = ApiClient.Of("http", second);
        await restored.UntilAsync(created.Name, instance => instance.State == InstanceState.Running);
        var balance = (await restored.GetAccountAsync(Account)).Ok.BalanceMicroEur;
        await using var source = NpgsqlDataSource.Create(to);
        await using var sum = source.CreateCommand("SELECT CAST(SUM(amount) AS bigint) FROM ledger");
        Assert.Equal(balance, await sum.ExecuteScalarAsync(ct));

        var metrics = await Scrape.ReadAsync(second, ct);
        Assert.True(
            metrics.Sum("scheduler_storage_duration_seconds_count", ("operation", "read"), ("outcome", "ok")) > 0
        );
    }

    private static async Task ScriptAsync(
        string script,
        string database,
        string backups,
        CancellationToken ct,
        params string[] arguments
    )
    {
        var connection = new NpgsqlConnectionStringBuilder(database);
        var (exitCode, said) = await Programs.RunAsync(
            Programs.Repository("deploy", "backup", script),
            arguments,
            new Dictionary<string, string>
            {
                ["PGHOST"] = connection.Host!,
                ["PGPORT"] = $"{connection.Port}",
                ["PGUSER"] = connection.Username!,
                ["PGDATABASE"] = connection.Database!,
                ["BACKUPS"] = backups,
            },
            ct
        );
        Assert.True(exitCode == 0, said);
    }
}
