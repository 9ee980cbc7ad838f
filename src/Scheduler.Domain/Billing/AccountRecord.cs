using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Billing;

/// <summary>
/// The stored state of one account, state name <c>account</c>. Tabs and ledger entries have rows of their own: the record carries only
/// those that the current write changes (<see cref="NewEntries"/>, <see cref="ChangedTabs"/>, <see cref="RemovedTabs"/>), so its size
/// does not grow with the number of instances.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.AccountRecord")]
public sealed record AccountRecord : IStoredState
{
    /// <summary>The newest shape that this build reads: with <see cref="Quotas"/>.</summary>
    public const int CurrentSchemaVersion = 3;

    /// <summary>The shape of a record without <see cref="Quotas"/>, which older builds read as well.</summary>
    private const int SchemaVersionWithoutQuotas = 2;

    [Id(0)]
    public int SchemaVersion { get; init; } = SchemaVersionWithoutQuotas;

    /// <summary>Empty until created.</summary>
    [Id(1)]
    public AccountId Id { get; init; }

    [Id(2)]
    public string DisplayName { get; init; } = "";

    /// <summary>Whether launches are refused.</summary>
    [Id(3)]
    public bool Suspended { get; init; }

    /// <summary>Σ of all ledger entries.</summary>
    [Id(4)]
    public MicroEuro Balance { get; init; }

    /// <summary>How long instances may continue to run on a used-up balance; zero stops them at once.</summary>
    [Id(5)]
    public TimeSpan ExhaustionGrace { get; init; }

    /// <summary>Sequence number of the latest ledger entry.</summary>
    [Id(6)]
    public long LastEntry { get; init; }

    /// <summary>When the low-balance event was written; null when it may be written again.</summary>
    [Id(7)]
    public DateTimeOffset? LowBalanceSince { get; init; }

    /// <summary>When the balance ran out; null while there is money.</summary>
    [Id(8)]
    public DateTimeOffset? ExhaustedSince { get; init; }

    [Id(9)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Counts every write; 0 before create.</summary>
    [Id(10)]
    public long Generation { get; init; }

    [Id(11)]
    public DateTimeOffset? WakeAt { get; init; }

    [Id(12)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    /// <summary>Sequence number of the latest event.</summary>
    [Id(13)]
    public long LastSequence { get; init; }

    [Id(14)]
    public ImmutableArray<LedgerEntry> NewEntries { get; init; } = [];

    /// <summary>Tabs added or changed by this write.</summary>
    [Id(15)]
    public ImmutableArray<InstanceTab> ChangedTabs { get; init; } = [];

    [Id(16)]
    public ImmutableArray<InstanceId> RemovedTabs { get; init; } = [];

    /// <summary>Slug of the firewall for every request of the account; null for none.</summary>
    [Id(17)]
    public string? Firewall { get; init; }

    /// <summary>Limits of its own, by the quota's public name; null where the defaults apply to all.</summary>
    [Id(18)]
    public ImmutableSortedDictionary<string, long>? Quotas { get; init; }

    [JsonIgnore]
    public bool Exists => Generation > 0;

    public AccountRecord WithQuotas(ImmutableSortedDictionary<string, long> quotas) =>
        this with
        {
            Quotas = quotas.IsEmpty ? null : quotas,
            SchemaVersion = quotas.IsEmpty ? SchemaVersion : CurrentSchemaVersion,
        };
}
