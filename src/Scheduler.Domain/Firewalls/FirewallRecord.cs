using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Firewalls;

/// <summary>
/// Everything stored of one firewall. It holds its rules whole, so that whoever has the record can judge by it. State name
/// <c>firewall</c>.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.FirewallRecord")]
public sealed record FirewallRecord : IStoredState
{
    /// <summary>The shape this code writes.</summary>
    public const int CurrentSchemaVersion = 1;

    /// <inheritdoc/>
    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>Whose.</summary>
    [Id(1)]
    public AccountId Account { get; init; }

    /// <summary>Its name in requests; unique in the account.</summary>
    [Id(2)]
    public string Slug { get; init; } = "";

    /// <summary>What the account wants of it; null before it was created and after it was deleted.</summary>
    [Id(3)]
    public FirewallDraft? Draft { get; init; }

    /// <summary>The rules as they are asked, in the order of the draft.</summary>
    [Id(4)]
    public ImmutableArray<FirewallRule> Rules { get; init; } = [];

    /// <summary>Counts every change of it and of its rules, from 1, also across a delete: a verdict is good for one version.</summary>
    [Id(5)]
    public long Version { get; init; }

    /// <summary>When it was created.</summary>
    [Id(6)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed.</summary>
    [Id(7)]
    public DateTimeOffset UpdatedAt { get; init; }

    /// <inheritdoc/>
    [Id(8)]
    public DateTimeOffset? WakeAt { get; init; }

    /// <inheritdoc/>
    [Id(9)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    /// <summary>Sequence number of the latest event.</summary>
    [Id(10)]
    public long LastSequence { get; init; }

    /// <summary>Whether there is such a firewall now.</summary>
    [JsonIgnore]
    public bool Exists => Draft is not null;
}
