using Microsoft.Data.Sqlite;
using Orleans.TestingHost;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Storage;
using Scheduler.Storage.Sqlite;
using Xunit;

namespace Scheduler.ClusterTests.Storage;

/// <summary>A file in a directory of its own, opened, with two silos on it if asked; gone afterwards.</summary>
public sealed class StoreFixture : IAsyncDisposable
{
    public static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("scheduler-storage-");
    private InProcessTestCluster? _cluster;

    public StoreFixture()
    {
        Options = new StorageOptions { Sqlite = { Path = Path.Combine(_directory.FullName, "scheduler.db") } };
        Store = SqliteStore.Open(Options, TimeProvider.System);
    }

    public StorageOptions Options { get; }

    public SqliteStore Store { get; private set; }

    public string File => Options.Sqlite.Path;

    public IGrainFactory Grains => _cluster!.Client;

    public async Task<IGrainFactory> StartSilosAsync(short silos = 1)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) => silo.AddSqliteStorage(Store));
        _cluster = builder.Build();
        await _cluster.DeployAsync(TestContext.Current.CancellationToken);
        return Grains;
    }

    public async Task StopSilosAsync()
    {
        if (_cluster is not null)
        {
            await _cluster.DisposeAsync();
            _cluster = null;
        }
    }

    public void Reopen()
    {
        Store.Dispose();
        Store = SqliteStore.Open(Options, TimeProvider.System);
    }

    /// <summary>Runs SQL on a connection of its own, as an operator with a shell could.</summary>
    public IReadOnlyList<object?[]> Sql(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={File};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var reader = command.ExecuteReader();
        var rows = new List<object?[]>();
        while (reader.Read())
        {
            var row = new object?[reader.FieldCount];
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = reader.IsDBNull(i) ? null : reader.GetValue(i);
            }

            rows.Add(row);
        }

        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        await StopSilosAsync();
        Store.Dispose();
        _directory.Delete(recursive: true);
    }

    public static InstanceRecord Instance(string id, long sequence = 1, string account = "acct-a") =>
        new()
        {
            Id = new InstanceId(id),
            Account = new AccountId(account),
            ServingName = $"serve-{id}",
            Spec = new LaunchSpec { Model = "Qwen/Qwen2.5-7B" },
            State = InstanceState.Provisioning,
            StateSince = Noon,
            Generation = sequence,
            Run = 1,
            Attempt = 1,
            Intent = new AllocationIntent
            {
                Key = new AllocationKey($"{id}/1/1"),
                Offer = Offer(),
                PriceSnapshot = new MicroEuro(1_290_000),
                Hold = new MicroEuro(1_290_000),
                AllocationDeadline = Noon.AddMinutes(2),
                Why = "cheapest of 14",
                Model = "Qwen/Qwen2.5-7B",
            },
            RequestId = new RequestId("req-1"),
            CreatedAt = Noon,
            UpdatedAt = Noon,
            WakeAt = Noon.AddMinutes(2),
            Events = [Event(sequence)],
            LastSequence = sequence,
        };

    public static Offer Offer() =>
        new(
            new ProviderId("simulated"),
            "offer-1",
            "eu-west",
            "RTX 4090",
            1,
            CapacityTier.Community,
            Spot: false,
            new MicroEuro(1_290_000),
            Available: 3
        );

    public static StoredEvent Event(long sequence) =>
        new()
        {
            Sequence = sequence,
            At = Noon.AddSeconds(sequence),
            Trigger = "OfferChosen",
            From = "Stopped",
            To = "Provisioning",
            Reason = "cheapest of 14",
            RequestId = new RequestId("req-1"),
            Actor = "key:key-abc",
            Data = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add(
                "price_micro_eur",
                "1290000"
            ),
        };

    public static AccountRecord Account(string id, params LedgerEntry[] entries) =>
        new()
        {
            Id = new AccountId(id),
            DisplayName = "Ada",
            Generation = 1,
            CreatedAt = Noon,
            NewEntries = [.. entries],
        };

    public static LedgerEntry TopUp(long sequence, string reference, long amount) =>
        new()
        {
            Key = $"topup/{reference}",
            Sequence = sequence,
            Kind = LedgerEntryKind.TopUp,
            Amount = new MicroEuro(amount),
            BalanceAfter = new MicroEuro(amount * sequence),
            At = Noon,
            RequestId = new RequestId("req-2"),
            Reference = reference,
        };
}
