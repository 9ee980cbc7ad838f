using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Balancers;

/// <summary>The stored state of one balancer. State name <c>balancer</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.BalancerRecord")]
public sealed record BalancerRecord : IStoredState
{
    public const int CurrentSchemaVersion = 2;

    /// <inheritdoc/>
    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>Empty until created.</summary>
    [Id(1)]
    public BalancerId Id { get; init; }

    [Id(2)]
    public AccountId Account { get; init; }

    /// <summary>The name that requests use; unique in the account among instances and balancers (INV-11).</summary>
    [Id(3)]
    public string ServingName { get; init; } = "";

    [Id(4)]
    public BalancerSpec Spec { get; init; } = new();

    /// <summary>Counts all writes, from 1; 0 before the create.</summary>
    [Id(5)]
    public long Generation { get; init; }

    [Id(6)]
    public DateTimeOffset CreatedAt { get; init; }

    [Id(7)]
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Null while the balancer exists. A tombstone stops a repeated create from creating it again.</summary>
    [Id(8)]
    public DateTimeOffset? DeletedAt { get; init; }

    /// <summary>Digest of the create request, to distinguish a repeated create from a different one.</summary>
    [Id(9)]
    public string CreateFingerprint { get; init; } = "";

    /// <inheritdoc/>
    [Id(10)]
    public DateTimeOffset? WakeAt { get; init; }

    /// <inheritdoc/>
    [Id(11)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    [Id(12)]
    public long LastSequence { get; init; }

    /// <summary>Whether the balancer was ever created; also true after its deletion.</summary>
    [JsonIgnore]
    public bool Exists => Generation > 0;

    /// <summary>Whether it is created and not deleted: it holds its serving name and takes requests.</summary>
    [JsonIgnore]
    public bool IsLive => Exists && DeletedAt is null;
}
