using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Services;

/// <summary>The stored state of one service, written whole with every change. State name <c>service</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ServiceRecord")]
public sealed record ServiceRecord : IStoredState
{
    public const int CurrentSchemaVersion = 1;

    /// <inheritdoc/>
    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>Empty until created.</summary>
    [Id(1)]
    public ServiceId Id { get; init; }

    [Id(2)]
    public AccountId Account { get; init; }

    /// <summary>The name that requests use; unique in the account among instances, balancers and services (INV-11).</summary>
    [Id(3)]
    public string ServingName { get; init; } = "";

    [Id(4)]
    public ServiceSpec Spec { get; init; } = new();

    /// <summary>Counts the changes of the spec, from 1; 0 before the create.</summary>
    [Id(5)]
    public long Generation { get; init; }

    /// <summary>Counts all writes, from 1.</summary>
    [Id(6)]
    public long Version { get; init; }

    [Id(7)]
    public DateTimeOffset CreatedAt { get; init; }

    [Id(8)]
    public DateTimeOffset UpdatedAt { get; init; }

    /// <summary>When its deletion was ordered; its replicas stop first. Null while it is to exist.</summary>
    [Id(9)]
    public DateTimeOffset? DeleteOrderedAt { get; init; }

    /// <summary>When the last replica was gone. A tombstone stops a repeated create from creating it again.</summary>
    [Id(10)]
    public DateTimeOffset? DeletedAt { get; init; }

    /// <summary>Digest of the create request, to distinguish a repeated create from a different one.</summary>
    [Id(11)]
    public string CreateFingerprint { get; init; } = "";

    /// <inheritdoc/>
    [Id(12)]
    public DateTimeOffset? WakeAt { get; init; }

    /// <inheritdoc/>
    [Id(13)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    [Id(14)]
    public long LastSequence { get; init; }

    [Id(15)]
    public ImmutableSortedDictionary<string, string> Labels { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The revision that replicas are to have: one of <see cref="Revisions"/>.</summary>
    [Id(16)]
    public int Revision { get; init; }

    /// <summary>Counts the revisions ever made.</summary>
    [Id(17)]
    public int LastRevision { get; init; }

    /// <summary>Those that replicas have, the target, and the one before, by number.</summary>
    [Id(18)]
    public ImmutableArray<ServiceRevision> Revisions { get; init; } = [];

    /// <summary>By number. A replica is entered before its instance is created, and removed after its instance is deleted.</summary>
    [Id(19)]
    public ImmutableArray<Replica> Replicas { get; init; } = [];

    /// <summary>Counts the replicas ever made.</summary>
    [Id(20)]
    public int LastReplica { get; init; }

    [Id(21)]
    public ScalingState Scaling { get; init; } = new();

    /// <summary>The failure that no retry cures, with which all held requests are answered; null without one.</summary>
    [Id(22)]
    public FailureRecord? Failure { get; init; }

    /// <summary>When a launch is tried again after <see cref="Failure"/>.</summary>
    [Id(23)]
    public DateTimeOffset? RetryAt { get; init; }

    /// <summary>By <see cref="ServiceCondition.Type"/>; one of each.</summary>
    [Id(24)]
    public ImmutableArray<ServiceCondition> Conditions { get; init; } = [];

    [Id(25)]
    public DaySpend Spend { get; init; } = new();

    /// <summary>Since when fewer replicas than wanted are ready; null while enough are.</summary>
    [Id(26)]
    public DateTimeOffset? ShortSince { get; init; }

    /// <summary>The command that last changed the service.</summary>
    [Id(27)]
    public RequestId RequestId { get; init; }

    /// <summary>Whether the service was ever created; also true after its deletion.</summary>
    [JsonIgnore]
    public bool Exists => Generation > 0;

    /// <summary>Whether it is created and not deleted: it holds its serving name.</summary>
    [JsonIgnore]
    public bool IsLive => Exists && DeletedAt is null;

    /// <summary>Whether its replicas stop because its deletion was ordered.</summary>
    [JsonIgnore]
    public bool IsDeleting => DeleteOrderedAt is not null;

    /// <summary>Replicas that are not to leave.</summary>
    [JsonIgnore]
    public IEnumerable<Replica> Staying => Replicas.Where(replica => !replica.IsLeaving);

    [JsonIgnore]
    public int Ready => Staying.Count(replica => replica.IsReady);

    public ServiceRevision? FindRevision(int number) => Revisions.FirstOrDefault(known => known.Number == number);
}

/// <summary>One version of a service's template.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ServiceRevision")]
public sealed record ServiceRevision
{
    /// <summary>From 1.</summary>
    [Id(0)]
    public int Number { get; init; }

    [Id(1)]
    public LaunchSpec Template { get; init; } = new();

    [Id(2)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Whether a replica of it was ever ready.</summary>
    [Id(3)]
    public bool Worked { get; init; }

    /// <summary>Launches in a row that failed before any replica of it was ready.</summary>
    [Id(4)]
    public int FailedLaunches { get; init; }

    /// <summary>Why the scheduler went back from it; null otherwise.</summary>
    [Id(5)]
    public FailureRecord? Failure { get; init; }
}

/// <summary>What the replicas have cost on one day.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.DaySpend")]
public sealed record DaySpend
{
    /// <summary>Midnight at its beginning, UTC.</summary>
    [Id(0)]
    public DateTimeOffset Day { get; init; }

    /// <summary>Cost on this day of the runs that ended.</summary>
    [Id(1)]
    public Billing.MicroEuro Ended { get; init; }
}
