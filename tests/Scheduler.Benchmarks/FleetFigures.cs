using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Storage;
using Scheduler.Grains;
using Scheduler.Storage;
using Scheduler.Storage.Sql;
using Scheduler.Storage.Sqlite;

namespace Scheduler.Benchmarks;

/// <summary>Cost of a large idle fleet: metering (P-8), memory of grains (P-9) and the agenda poll.</summary>
public static class FleetFigures
{
    private const int AccountCount = 100;

    private static readonly TimeProvider Clock = TimeProvider.System;

    /// <param name="args">Optional: the largest fleet (default 100,000), seconds per row (default 20).</param>
    public static async Task RunAsync(string[] args)
    {
        ArgumentNullException.ThrowIfNull(args);
        var largest = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 100_000;
        var seconds = args.Length > 1 ? double.Parse(args[1], CultureInfo.InvariantCulture) : 20;
        Console.WriteLine(
            "| running on 100 accounts | CPU, ms a second | writes a second | settling all, CPU ms | entries | settling, writes |"
        );
        Console.WriteLine("|--:|--:|--:|--:|--:|--:|");
        foreach (var running in new[] { 0, 1_000, 10_000, 100_000 }.Where(n => n <= largest))
        {
            await MeterAsync(running, seconds);
        }

        Console.WriteLine();
        await WeighAsync(Math.Min(largest, 50_000));
        await LookAsync(largest);
    }

    /// <summary>
    /// P-8: every account is active and all its instances run; then every meter is entered in the ledger at once.
    /// </summary>
    private static async Task MeterAsync(int running, double seconds)
    {
        await using var fleet = await Fleet.MakeAsync();
        await fleet.AddAccountsAsync(running / AccountCount);
        var accounts = await fleet.StartAsync(settleEvery: TimeSpan.FromDays(1));
        await Task.Delay(TimeSpan.FromSeconds(5), Clock);
        var (cpu, writes) = (Environment.CpuUsage.TotalTime, fleet.Store.Statements);
        await Task.Delay(TimeSpan.FromSeconds(seconds), Clock);
        var idleCpu = (Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds / seconds;
        var idleWrites = (fleet.Store.Statements - writes) / seconds;
        (cpu, writes) = (Environment.CpuUsage.TotalTime, fleet.Store.Statements);
        await Task.WhenAll(accounts.Select(account => account.TopUpAsync(new MicroEuro(1), "settle", As("settle"))));
        await fleet.RestartAsync(settleEvery: TimeSpan.FromSeconds(1));
        await fleet.UntilSettledAsync(running);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"| {running} | {idleCpu:F1} | {idleWrites:F1} | {(Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds:F0} | {running} | {fleet.Store.Statements - writes} |"
            )
        );
    }

    /// <summary>P-9: bytes per active grain, compared with a grain that holds a kilobyte and does nothing.</summary>
    private static async Task WeighAsync(int count)
    {
        await using var fleet = await Fleet.MakeAsync();
        await fleet.AddAccountsAsync(0);
        for (var i = 0; i < count; i++)
        {
            fleet.Add("instance", $"i-{i:D20}", Fleet.Stopped(i));
        }

        await fleet.FlushAsync();
        await fleet.StartAsync(settleEvery: TimeSpan.FromDays(1));
        var before = Settled();
        for (var i = 0; i < count; i++)
        {
            await fleet.Grains.Instance(new InstanceId($"i-{i:D20}")).GetAsync(null);
        }

        var ours = (Settled() - before) / count;
        before = Settled();
        for (var i = 0; i < count; i++)
        {
            await fleet.Grains.GetGrain<IKilobyteGrain>($"k-{i}").TouchAsync();
        }

        var plain = (Settled() - before) / count;
        Console.WriteLine("| memory, bytes each | B |");
        Console.WriteLine("|---|--:|");
        Console.WriteLine($"| registered and not active | 0 (a row of the store) |");
        Console.WriteLine($"| active instance grain, stopped ({count}) | {ours} |");
        Console.WriteLine($"| baseline: a grain with 1 kB of state ({count}) | {plain} |");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| ratio | {(double)ours / plain:F2} |"));
        Console.WriteLine();
    }

    /// <summary>
    /// The agenda poll: one poll of an agenda with many waiting items of which none is due, and one in which all are
    /// due.
    /// </summary>
    private static async Task LookAsync(int waiting)
    {
        await using var fleet = await Fleet.MakeAsync();
        var due = Clock.GetUtcNow().AddHours(1);
        for (var i = 0; i < waiting; i++)
        {
            fleet.Add("instance", $"i-{i:D20}", Fleet.Stopped(i) with { WakeAt = due.AddMilliseconds(i) });
        }

        await fleet.FlushAsync();
        var agenda = new Storage.Agenda.SqlAgenda(fleet.Store);
        const int looks = 200;
        var start = Clock.GetTimestamp();
        for (var i = 0; i < looks; i++)
        {
            await agenda.DueAsync(Clock.GetUtcNow(), AgendaShare.Whole, 512, CancellationToken.None);
        }

        var idle = Clock.GetElapsedTime(start) / looks;
        start = Clock.GetTimestamp();
        var all = await agenda.DueAsync(
            DateTimeOffset.MaxValue,
            AgendaShare.Whole,
            int.MaxValue,
            CancellationToken.None
        );
        var whole = Clock.GetElapsedTime(start);
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"agenda of {waiting}: a poll with nothing due {idle.TotalMicroseconds:F0} us; all {all.Count} rows {whole.TotalMilliseconds:F0} ms"
            )
        );
    }

    private static long Settled()
    {
        GC.Collect(2, GCCollectionMode.Forced, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private static CommandContext As(string reference) => new(new RequestId($"req-{reference}"), "figures", null);

    /// <summary>A store filled without the grains, and a silo on it.</summary>
    private sealed class Fleet : IAsyncDisposable
    {
        private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("fleet-");
        private readonly List<Task> _writes = [];
        private IHost? _host;
        private string _write = "";

        private Fleet()
        {
            Store = SqliteStore.Open(
                new StorageOptions { Sqlite = { Path = Path.Combine(_directory.FullName, "fleet.db") } },
                Clock
            );
        }

        public SqliteStore Store { get; }

        public IGrainFactory Grains => _host!.Services.GetRequiredService<IGrainFactory>();

        public static async Task<Fleet> MakeAsync()
        {
            var fleet = new Fleet();
            ISqlStore store = fleet.Store;
            fleet._write = (
                await store.ListAsync(
                    "SELECT QueryText FROM OrleansQuery WHERE QueryKey = 'WriteToStorageKey'",
                    [],
                    row => row.Text(0),
                    CancellationToken.None
                )
            )[0];
            return fleet;
        }

        public void Add<T>(string kind, string id, T state)
        {
            IStatementRunner runner = Store;
            _writes.Add(
                runner.RunAsync(
                    _write,
                    [
                        new SqlValue("GrainTypeString", kind),
                        new SqlValue("GrainIdExtensionString", id),
                        new SqlValue("GrainIdN0", 0L),
                        new SqlValue("GrainIdN1", 0L),
                        new SqlValue("GrainStateVersion", DBNull.Value),
                        new SqlValue("PayloadBinary", new StateSerializer().Serialize(state).ToArray()),
                    ],
                    CancellationToken.None
                )
            );
        }

        public async Task FlushAsync()
        {
            await Task.WhenAll(_writes);
            _writes.Clear();
        }

        public async Task AddAccountsAsync(int runningEach)
        {
            var now = Clock.GetUtcNow();
            for (var a = 0; a < AccountCount; a++)
            {
                var tabs = Enumerable
                    .Range(0, runningEach)
                    .Select(i => new InstanceTab
                    {
                        Instance = new InstanceId(string.Create(CultureInfo.InvariantCulture, $"i-{a:D4}{i:D16}")),
                        Run = 1,
                        MeterSince = now,
                        PricePerHour = new MicroEuro(1_290_000),
                        RequestId = new RequestId("req-figures"),
                    });
                Add(
                    "account",
                    $"acct-{a}",
                    new AccountRecord
                    {
                        Id = new AccountId($"acct-{a}"),
                        DisplayName = "figures",
                        Balance = new MicroEuro(1_000_000_000_000_000),
                        CreatedAt = now,
                        Generation = 1,
                        ChangedTabs = [.. tabs],
                    }
                );
            }

            await FlushAsync();
        }

        /// <summary>Starts the silo and activates every account.</summary>
        public async Task<IReadOnlyList<Grains.Billing.IAccountGrain>> StartAsync(TimeSpan settleEvery)
        {
            _host = await StorageFigures.StartSiloAsync(silo =>
            {
                silo.AddSchedulerStorage(Store, GrainStorageNames.Database);
                silo.Services.Configure<SchedulerOptions>(options => options.Billing.SettleEvery = settleEvery);
                silo.Services.AddSchedulerGrains();
            });
            var accounts = Enumerable
                .Range(0, AccountCount)
                .Select(a => Grains.Account(new AccountId($"acct-{a}")))
                .ToList();
            await Task.WhenAll(accounts.Select(account => account.GetAsync(null)));
            return accounts;
        }

        public async Task RestartAsync(TimeSpan settleEvery)
        {
            await _host!.StopAsync();
            _host.Dispose();
            await StartAsync(settleEvery);
        }

        /// <summary>Waits until every meter has been entered at least once.</summary>
        public async Task UntilSettledAsync(int entries)
        {
            ISqlStore store = Store;
            while (
                (
                    await store.ListAsync(
                        "SELECT count(DISTINCT instance) FROM ledger WHERE kind = 'Usage'",
                        [],
                        row => row.Number(0),
                        CancellationToken.None
                    )
                )[0] < entries
            )
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100), Clock);
            }
        }

        public async ValueTask DisposeAsync()
        {
            if (_host is not null)
            {
                await _host.StopAsync();
                _host.Dispose();
            }

            Store.Dispose();
            _directory.Delete(recursive: true);
        }

        public static InstanceRecord Stopped(int i)
        {
            var record = StorageFigures.Record(string.Create(CultureInfo.InvariantCulture, $"i-{i:D20}"), 1);
            return record with
            {
                State = InstanceState.Stopped,
                Intent = null,
                WakeAt = null,
                Account = new AccountId("acct-0"),
            };
        }
    }
}

/// <summary>The baseline for memory: a kilobyte of state without work.</summary>
public interface IKilobyteGrain : IGrainWithStringKey
{
    Task TouchAsync();
}

internal sealed class KilobyteGrain : Grain, IKilobyteGrain
{
    private readonly byte[] _state = new byte[1024];

    public Task TouchAsync()
    {
        _state[0]++;
        return Task.CompletedTask;
    }
}
