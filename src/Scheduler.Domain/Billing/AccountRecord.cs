using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Billing;

/// <summary>
/// Everything stored of one account but its tabs and ledger, which are rows of their own: this record carries only what changed in
/// the present write (<see cref="NewEntries"/>, <see cref="ChangedTabs"/>, <see cref="RemovedTabs"/>), so its size does not
/// grow with the number of instances. State name <c>account</c>.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.AccountRecord")]
public sealed record AccountRecord : IStoredState
{
    /// <summary>The shape this code writes.</summary>
    public const int CurrentSchemaVersion = 2;

    /// <inheritdoc/>
    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>Which account; empty until created.</summary>
    [Id(1)]
    public AccountId Id { get; init; }

    /// <summary>For people.</summary>
    [Id(2)]
    public string DisplayName { get; init; } = "";

    /// <summary>Whether launches are refused.</summary>
    [Id(3)]
    public bool Suspended { get; init; }

    /// <summary>Σ of all ledger entries.</summary>
    [Id(4)]
    public MicroEuro Balance { get; init; }

    /// <summary>How long running instances may go on below zero; zero stops them at once.</summary>
    [Id(5)]
    public TimeSpan ExhaustionGrace { get; init; }

    /// <summary>Sequence number of the latest ledger entry.</summary>
    [Id(6)]
    public long LastEntry { get; init; }

    /// <summary>When the low-balance event was given; null when it is due again.</summary>
    [Id(7)]
    public DateTimeOffset? LowBalanceSince { get; init; }

    /// <summary>When the balance ran out; null while there is money.</summary>
    [Id(8)]
    public DateTimeOffset? ExhaustedSince { get; init; }

    /// <summary>When it was created.</summary>
    [Id(9)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Counts every write; 0 before create.</summary>
    [Id(10)]
    public long Generation { get; init; }

    /// <inheritdoc/>
    [Id(11)]
    public DateTimeOffset? WakeAt { get; init; }

    /// <inheritdoc/>
    [Id(12)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    /// <summary>Sequence number of the latest event.</summary>
    [Id(13)]
    public long LastSequence { get; init; }

    /// <summary>Ledger entries of this write.</summary>
    [Id(14)]
    public ImmutableArray<LedgerEntry> NewEntries { get; init; } = [];

    /// <summary>Tabs put or changed by this write.</summary>
    [Id(15)]
    public ImmutableArray<InstanceTab> ChangedTabs { get; init; } = [];

    /// <summary>Tabs removed by this write.</summary>
    [Id(16)]
    public ImmutableArray<InstanceId> RemovedTabs { get; init; } = [];

    /// <summary>Slug of the firewall that every request of the account passes; null for none.</summary>
    [Id(17)]
    public string? Firewall { get; init; }

    /// <summary>Whether there is such an account at all.</summary>
    [JsonIgnore]
    public bool Exists => Generation > 0;
}
