using System.Data.Common;
using Orleans.TestingHost;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Storage;
using Scheduler.Storage.Sql;
using Xunit;

namespace Scheduler.ClusterTests.Storage;

/// <summary>A new open store, optionally with silos on it; removed afterwards.</summary>
public abstract class StoreFixture : IAsyncDisposable
{
    public static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private InProcessTestCluster? _cluster;

    public IGrainFactory Grains => _cluster!.Client;

    /// <summary>Commits of grain states, and states in them, since the store was opened.</summary>
    public abstract (long Commits, long Statements) Counts { get; }

    /// <summary>The database's message for a duplicate unique key.</summary>
    public abstract string SaysDuplicate { get; }

    /// <summary>Statement that removes the triggers' work from an update of a state.</summary>
    public abstract string WithoutTriggers { get; }

    /// <summary>The store as the ports see it.</summary>
    internal abstract ISqlStore Store { get; }

    /// <summary>The store as Orleans sees it.</summary>
    internal abstract IStatementRunner Runner { get; }

    public abstract Task OpenAsync();

    public abstract Task ReopenAsync();

    /// <summary>
    /// Runs SQL on a separate connection, as an operator does. Numbers are returned as long, times as text.
    /// </summary>
    public abstract IReadOnlyList<object?[]> Sql(string sql);

    public async Task<IGrainFactory> StartSilosAsync(short silos = 1)
    {
        var builder = new InProcessTestClusterBuilder(silos);
        builder.Options.ConfigureFileLogging = false;
        builder.ConfigureSilo((_, silo) => AddTo(silo));
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

    /// <summary>Updates the statistics of the database, which it otherwise does after a while.</summary>
    public abstract Task SettleAsync();

    /// <summary>
    /// Writes one state as Orleans' grain storage does, without a grain. Without a version this is the first write.
    /// </summary>
    public async Task WriteStateAsync<T>(string kind, string id, T state, int? expectedVersion = null)
    {
        _write ??= (string)Sql("SELECT QueryText FROM OrleansQuery WHERE QueryKey = 'WriteToStorageKey'")[0][0]!;
        await Runner.RunAsync(
            _write,
            [
                new SqlValue("GrainTypeString", kind),
                new SqlValue("GrainIdExtensionString", id),
                new SqlValue("GrainIdN0", 0L),
                new SqlValue("GrainIdN1", 0L),
                new SqlValue("GrainStateVersion", expectedVersion is { } version ? version : DBNull.Value),
                new SqlValue("PayloadBinary", new StateSerializer().Serialize(state).ToArray()),
            ],
            TestContext.Current.CancellationToken
        );
    }

    public async ValueTask DisposeAsync()
    {
        await StopSilosAsync();
        await CloseAsync();
        GC.SuppressFinalize(this);
    }

    protected abstract void AddTo(ISiloBuilder silo);

    protected abstract Task CloseAsync();

    protected static IReadOnlyList<object?[]> Read(DbCommand command)
    {
        using var reader = command.ExecuteReader();
        var rows = new List<object?[]>();
        while (reader.Read())
        {
            var row = new object?[reader.FieldCount];
            for (var i = 0; i < row.Length; i++)
            {
                row[i] = reader.GetValue(i) switch
                {
                    DBNull => null,
                    short number => (long)number,
                    int number => (long)number,
                    DateTime time => UtcText.Format(new DateTimeOffset(time, TimeSpan.Zero)),
                    var value => value,
                };
            }

            rows.Add(row);
        }

        return rows;
    }

    private string? _write;

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
