using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Balancers;

/// <summary>Everything stored of one balancer. State name <c>balancer</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.BalancerRecord")]
public sealed record BalancerRecord : IStoredState
{
    /// <summary>The shape this code writes.</summary>
    public const int CurrentSchemaVersion = 1;

    /// <inheritdoc/>
    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>Which balancer; empty until created.</summary>
    [Id(1)]
    public BalancerId Id { get; init; }

    /// <summary>Whose.</summary>
    [Id(2)]
    public AccountId Account { get; init; }

    /// <summary>The name requests are sent to; unique in the account among instances and balancers (INV-11).</summary>
    [Id(3)]
    public string ServingName { get; init; } = "";

    /// <summary>Where it sends them.</summary>
    [Id(4)]
    public BalancerSpec Spec { get; init; } = new();

    /// <summary>Counts every write, from 1; 0 before it was created.</summary>
    [Id(5)]
    public long Generation { get; init; }

    /// <summary>When it was created.</summary>
    [Id(6)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed.</summary>
    [Id(7)]
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When it was deleted; null while it lives. A tombstone keeps a repeated create from making it again.</summary>
    [Id(8)]
    public DateTimeOffset? DeletedAt { get; init; }

    /// <summary>What the create asked for (a digest), so that a repeated create can be told from a different one.</summary>
    [Id(9)]
    public string CreateFingerprint { get; init; } = "";

    /// <inheritdoc/>
    [Id(10)]
    public DateTimeOffset? WakeAt { get; init; }

    /// <inheritdoc/>
    [Id(11)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    /// <summary>Sequence number of the latest event.</summary>
    [Id(12)]
    public long LastSequence { get; init; }

    /// <summary>Whether there is, or was, such a balancer at all.</summary>
    [JsonIgnore]
    public bool Exists => Generation > 0;

    /// <summary>Whether it lives: it has its serving name and takes requests.</summary>
    [JsonIgnore]
    public bool IsLive => Exists && DeletedAt is null;
}
