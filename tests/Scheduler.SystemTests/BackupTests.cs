using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Scheduler.TestKit;
using Xunit;
using Instance = Scheduler.Api.V1.Instance;
using InstanceState = Scheduler.Api.V1.InstanceState;

namespace Scheduler.SystemTests;

/// <summary>Makes backups and restores them as deploy/backup describes, with its own scripts.</summary>
public sealed class BackupTests
{
    private const string Account = "accounts/acct-kept";
    private static readonly IReadOnlyDictionary<string, string> NoSettings = new Dictionary<string, string>();

    [Fact]
    public async Task A_backup_under_load_restores_balances_and_later_allocations_are_released()
    {
        var ct = TestContext.Current.CancellationToken;
        var place = Directory.CreateTempSubdirectory("backup-").FullName;
        var cloud = Path.Combine(place, "cloud.journal");
        var backup = Path.Combine(place, "scheduler.db");
        string[] settings =
        [
            .. SchedulerProcess.ZeroDelay,
            "--Providers:Simulated:Vendors:0=lambda",
            $"--Providers:Simulated:StatePath={cloud}",
            "--Scheduler:Providers:SafetyAge=00:00:02",
            "--Scheduler:Providers:SweepEvery=00:00:01",
        ];
        await using var first = new SchedulerProcess(null, settings);
        await first.StartAsync(ct);
        var api = ApiClient.Of("grpc", first);
        _ = (await api.CreateAccountAsync("acct-kept")).Ok;
        _ = (await api.TopUpAsync(Account, 1_000_000_000_000, "opening")).Ok;
        var before = await LaunchAsync(api, "before");

        var launched = await BackUpUnderLoadAsync(api, first, backup, ct);
        var after = await LaunchAsync(api, "after");
        await first.KillAsync();
        Assert.Contains(IdOf(after), await SimulatedCloudList.InstancesAsync(cloud, ct));
        AssertAddsUp(backup);

        await using var second = new SchedulerProcess(null, settings);
        Directory.CreateDirectory(Path.Combine(second.Folder, "data"));
        await RestoreAsync(backup, Path.Combine(second.Folder, "data", "scheduler.db"), ct);
        await second.StartAsync(ct);
        var restored = ApiClient.Of("http", second);
        var known = await restored.UntilAsync(before.Name, instance => instance.State == InstanceState.Running);
        Assert.Equal(before.Run, known.Run);
        Assert.NotNull((await restored.GetInstanceAsync(after.Name)).Error);

        // No instance owns what was allocated after the backup: the sweep finds it by its tag and releases it (INV-02).
        var survivors = new List<string>();
        foreach (var instance in launched.Append(before))
        {
            if ((await restored.GetInstanceAsync(instance.Name)).Value is { } kept)
            {
                survivors.Add(IdOf(kept));
            }
        }

        await EventuallyAsync(
            async () => (await SimulatedCloudList.InstancesAsync(cloud, ct)).All(survivors.Contains),
            "the sweep releases what no instance owns",
            ct
        );
        var metrics = await Scrape.ReadAsync(second, ct);
        Assert.True(metrics.Sum("scheduler_sweep_findings_total", ("finding", "orphan")) >= 1, metrics.Text);
        var money = (await restored.GetAccountAsync(Account)).Ok;
        await second.StopAsync(ct);
        AssertAddsUp(Path.Combine(second.Folder, "data", "scheduler.db"));
        Assert.True(money.BalanceMicroEur > 0);
    }

    [Fact]
    public async Task Restore_refuses_a_running_scheduler_and_the_backup_script_keeps_recent_files()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var scheduler = new SchedulerProcess(null, SchedulerProcess.ZeroDelay);
        await scheduler.StartAsync(ct);
        var database = Path.Combine(scheduler.Folder, "data", "scheduler.db");
        var backup = Path.Combine(scheduler.Folder, "copy.db");
        Assert.Equal(0, (await BackUpAsync(database, backup, ct)).ExitCode);

        var (again, said) = await BackUpAsync(database, backup, ct);
        Assert.Equal(3, again);
        Assert.Contains("never overwrites", said, StringComparison.Ordinal);
        var (restore, words) = await Programs.RunAsync(
            Programs.Repository("deploy", "backup", "restore-sqlite.sh"),
            [backup, database],
            NoSettings,
            ct
        );
        Assert.Equal(1, restore);
        Assert.Contains("stop it first", words, StringComparison.Ordinal);
        Assert.Equal(3, (await BackUpAsync(Path.Combine(scheduler.Folder, "none.db"), $"{backup}2", ct)).ExitCode);
        await AssertScriptKeepsTheLatestAsync(scheduler, ct);
    }

    private static async Task AssertScriptKeepsTheLatestAsync(SchedulerProcess scheduler, CancellationToken ct)
    {
        var backups = Path.Combine(scheduler.Folder, "backups");
        Directory.CreateDirectory(backups);
        foreach (var day in new[] { "20260101T000000Z", "20260102T000000Z", "20260103T000000Z" })
        {
            await File.WriteAllTextAsync(Path.Combine(backups, $"scheduler-{day}.db"), "", ct);
        }

        var (exitCode, said) = await Programs.RunAsync(
            Programs.Repository("deploy", "backup", "backup-sqlite.sh"),
            [],
            new Dictionary<string, string>
            {
                ["DATABASE"] = Path.Combine(scheduler.Folder, "data", "scheduler.db"),
                ["BACKUPS"] = backups,
                ["KEEP"] = "2",
                ["PROGRAM"] = Path.Combine(AppContext.BaseDirectory, "scheduler"),
            },
            ct
        );

        Assert.True(exitCode == 0, said);
        var kept = Directory.EnumerateFiles(backups).Select(Path.GetFileName).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(2, kept.Count);
        Assert.Equal("scheduler-20260103T000000Z.db", kept[0]);
    }

    [Fact]
    public async Task A_backup_with_an_inconsistent_ledger_is_not_kept()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var scheduler = new SchedulerProcess(null, SchedulerProcess.ZeroDelay);
        await scheduler.StartAsync(ct);
        var api = ApiClient.Of("http", scheduler);
        _ = (await api.CreateAccountAsync("acct-kept")).Ok;
        _ = (await api.TopUpAsync(Account, 5_000_000, "opening")).Ok;
        await scheduler.StopAsync(ct);
        var database = Path.Combine(scheduler.Folder, "data", "scheduler.db");
        Execute(
            database,
            "INSERT INTO ledger (account, sequence, key, kind, amount, balance_after, at, run, segment, seconds, price_per_hour) "
                + "VALUES ('acct-kept', 99, 'by hand', 'TopUp', 1, 1, '2026-01-01T00:00:00.000Z', 0, 0, 0, 0)"
        );
        var backup = Path.Combine(scheduler.Folder, "copy.db");

        var (exitCode, said) = await BackUpAsync(database, backup, ct);

        Assert.Equal(3, exitCode);
        Assert.Contains("acct-kept does not add up", said, StringComparison.Ordinal);
        Assert.Empty(Directory.EnumerateFiles(scheduler.Folder, "copy.db*"));
    }

    /// <summary>
    /// Makes a backup while clients launch, with enough acknowledged commands before, during and after it.
    /// </summary>
    private static async Task<IReadOnlyCollection<Instance>> BackUpUnderLoadAsync(
        ApiClient api,
        SchedulerProcess scheduler,
        string backup,
        CancellationToken ct
    )
    {
        var launched = new ConcurrentBag<Instance>();
        using var load = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var clients = Enumerable.Range(0, 4).Select(client => LoadAsync(client)).ToArray();
        await EventuallyAsync(() => Task.FromResult(launched.Count >= 8), "the load has begun", ct);
        var (exitCode, said) = await BackUpAsync(Path.Combine(scheduler.Folder, "data", "scheduler.db"), backup, ct);
        Assert.True(exitCode == 0, said);
        var during = launched.Count;
        await EventuallyAsync(() => Task.FromResult(launched.Count > during + 4), "the load continues", ct);
        await load.CancelAsync();
        await Task.WhenAll(clients);
        return launched;

        async Task LoadAsync(int client)
        {
            for (var i = 0; !load.IsCancellationRequested; i++)
            {
                launched.Add(await LaunchAsync(api, $"load-{client}-{i}"));
            }
        }
    }

    private static async Task<Instance> LaunchAsync(ApiClient api, string name)
    {
        var created = (await api.CreateInstanceAsync(Account, name, Troubles.On(Troubles.Small))).Ok;
        _ = (await api.StartAsync(created.Name)).Ok;
        return await api.UntilAsync(created.Name, instance => instance.State == InstanceState.Running);
    }

    private static Task<(int ExitCode, string Output)> BackUpAsync(string database, string to, CancellationToken ct) =>
        Programs.RunAsync(
            "dotnet",
            [
                Path.Combine(AppContext.BaseDirectory, "scheduler.dll"),
                "backup",
                "--to",
                to,
                $"--Storage:Sqlite:Path={database}",
            ],
            NoSettings,
            ct
        );

    private static async Task RestoreAsync(string backup, string database, CancellationToken ct)
    {
        var (exitCode, said) = await Programs.RunAsync(
            Programs.Repository("deploy", "backup", "restore-sqlite.sh"),
            [backup, database],
            NoSettings,
            ct
        );
        Assert.True(exitCode == 0, said);
    }

    /// <summary>INV-05 from outside: the sum of the ledger equals the balance of every account.</summary>
    private static void AssertAddsUp(string database)
    {
        using var connection = new SqliteConnection($"Data Source={database};Mode=ReadOnly;Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText =
            "SELECT s.payload ->> 'balance', (SELECT SUM(amount) FROM ledger WHERE account = s.id) FROM states AS s WHERE kind = 'account'";
        using var rows = command.ExecuteReader();
        var accounts = 0;
        for (; rows.Read(); accounts++)
        {
            Assert.Equal(rows.GetInt64(1), rows.GetInt64(0));
        }

        Assert.Equal(1, accounts);
    }

    private static void Execute(string database, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={database};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
#pragma warning disable CA2100 // A constant of this test.
        command.CommandText = sql;
#pragma warning restore CA2100
        command.ExecuteNonQuery();
    }

    private static async Task EventuallyAsync(Func<Task<bool>> isSo, string what, CancellationToken ct)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!await isSo())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(40), $"Timed out: {what}");
            await Task.Delay(TimeSpan.FromMilliseconds(200), TimeProvider.System, ct);
        }
    }

    private static string IdOf(Instance instance) => instance.Name.Split('/')[^1];
}
