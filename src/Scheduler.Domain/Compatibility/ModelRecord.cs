using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Compatibility;

/// <summary>Everything stored of one registered model. State name <c>model</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ModelRecord")]
public sealed record ModelRecord : IStoredState
{
    /// <summary>The shape this code writes.</summary>
    public const int CurrentSchemaVersion = 1;

    /// <inheritdoc/>
    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>Whose.</summary>
    [Id(1)]
    public AccountId Account { get; init; }

    /// <summary>The name launches use; unique in the account.</summary>
    [Id(2)]
    public string Name { get; init; } = "";

    /// <summary>What the runtime is told to load.</summary>
    [Id(3)]
    public string Source { get; init; } = "";

    /// <summary>What was read from its files; null until registered.</summary>
    [Id(4)]
    public ModelFacts? Facts { get; init; }

    /// <summary>When it was registered.</summary>
    [Id(5)]
    public DateTimeOffset RegisteredAt { get; init; }

    /// <summary>Digest of the files, so that the same registration again is harmless.</summary>
    [Id(6)]
    public string Fingerprint { get; init; } = "";

    /// <inheritdoc/>
    [Id(7)]
    public DateTimeOffset? WakeAt { get; init; }

    /// <inheritdoc/>
    [Id(8)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    /// <summary>Sequence number of the latest event.</summary>
    [Id(9)]
    public long LastSequence { get; init; }

    /// <summary>Whether there is such a model at all.</summary>
    [JsonIgnore]
    public bool Exists => Facts is not null;
}
