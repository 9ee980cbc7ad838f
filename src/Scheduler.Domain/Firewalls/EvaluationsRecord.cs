using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Firewalls;

/// <summary>
/// The state of an account's evaluations. The evaluations themselves are rows: each write carries the new ones and
/// names the old ones to delete. State name <c>evaluations</c>.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.EvaluationsRecord")]
public sealed record EvaluationsRecord : IStoredState
{
    /// <summary>The shape this code writes.</summary>
    public const int CurrentSchemaVersion = 1;

    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    [Id(1)]
    public AccountId Account { get; init; }

    /// <summary>Sequence number of the latest evaluation; 0 before the first.</summary>
    [Id(2)]
    public long LastEvaluation { get; init; }

    /// <summary>Time of the latest write with evaluations.</summary>
    [Id(3)]
    public DateTimeOffset RecordedAt { get; init; }

    /// <summary>Evaluations recorded by <em>this</em> write.</summary>
    [Id(4)]
    public ImmutableArray<FirewallEvaluation> NewEvaluations { get; init; } = [];

    /// <summary>This write deletes evaluations up to this sequence number.</summary>
    [Id(5)]
    public long ForgetUpTo { get; init; }

    /// <summary>This write deletes evaluations decided before this time.</summary>
    [Id(6)]
    public DateTimeOffset ForgetBefore { get; init; }

    [Id(7)]
    public DateTimeOffset? WakeAt { get; init; }

    [Id(8)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    /// <summary>Whether anything was ever recorded.</summary>
    [JsonIgnore]
    public bool Exists => LastEvaluation > 0;
}
