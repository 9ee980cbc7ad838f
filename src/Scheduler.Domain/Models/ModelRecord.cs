using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Models;

/// <summary>Stored state of one registered model. State name <c>model</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ModelRecord")]
public sealed record ModelRecord : IStoredState
{
    public const int CurrentSchemaVersion = 1;

    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    [Id(1)]
    public AccountId Account { get; init; }

    /// <summary>Name used in launches; unique within the account.</summary>
    [Id(2)]
    public string Name { get; init; } = "";

    /// <summary>Model that the runtime loads.</summary>
    [Id(3)]
    public string Source { get; init; } = "";

    /// <summary>Facts read from the files; null until the model is registered.</summary>
    [Id(4)]
    public ModelFacts? Facts { get; init; }

    [Id(5)]
    public DateTimeOffset RegisteredAt { get; init; }

    /// <summary>Digest of the files; makes a repeated registration idempotent.</summary>
    [Id(6)]
    public string Fingerprint { get; init; } = "";

    [Id(7)]
    public DateTimeOffset? WakeAt { get; init; }

    [Id(8)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    [Id(9)]
    public long LastSequence { get; init; }

    [JsonIgnore]
    public bool Exists => Facts is not null;
}
