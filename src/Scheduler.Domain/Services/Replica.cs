using System.Text.Json.Serialization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;

namespace Scheduler.Domain.Services;

/// <summary>An instance that a service made from its template.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.Replica")]
public sealed record Replica
{
    /// <summary>From 1, never used twice by a service.</summary>
    [Id(0)]
    public int Number { get; init; }

    [Id(1)]
    public int Revision { get; init; }

    /// <summary>Follows from service, revision and number: a repeated create finds the same instance.</summary>
    [Id(2)]
    public InstanceId Instance { get; init; }

    /// <summary>Serving name of the instance.</summary>
    [Id(3)]
    public string ServingName { get; init; } = "";

    [Id(4)]
    public ReplicaPhase Phase { get; init; }

    /// <summary>When the phase began.</summary>
    [Id(5)]
    public DateTimeOffset Since { get; init; }

    /// <summary>Starts ordered, from 1. Each is ordered once, however often the order is repeated.</summary>
    [Id(6)]
    public int Starts { get; init; }

    /// <summary>When a failed replica starts again; null while no start is waiting.</summary>
    [Id(7)]
    public DateTimeOffset? StartAt { get; init; }

    /// <summary>Highest price per hour at which it may launch, besides that of the template; null for any.</summary>
    [Id(8)]
    public MicroEuro? PriceCap { get; init; }

    /// <summary>Why it leaves; empty while it stays.</summary>
    [Id(9)]
    public string Reason { get; init; } = "";

    /// <summary>The instance when the service last saw it; null before.</summary>
    [Id(10)]
    public ReplicaSight? Seen { get; init; }

    /// <summary>Whether it is to have on-demand capacity.</summary>
    [Id(11)]
    public bool OnDemand { get; init; }

    /// <summary>The latest start whose result was seen; a start that was ordered and is not answered is repeated.</summary>
    [Id(12)]
    public int Answered { get; init; }

    /// <summary>Failures in a row, without a run of <see cref="ServiceTurn.LongRun"/> in between.</summary>
    [Id(13)]
    public int Failures { get; init; }

    /// <summary>Why its instance could not be created or started; empty otherwise.</summary>
    [Id(14)]
    public string Trouble { get; init; } = "";

    /// <summary>Whether a start is ordered whose result was not seen.</summary>
    [JsonIgnore]
    public bool MustStart => Phase == ReplicaPhase.Staying && StartAt is null && Answered < Starts;

    [JsonIgnore]
    public bool IsLeaving => Phase != ReplicaPhase.Staying;

    /// <summary>Whether requests may be sent to it.</summary>
    [JsonIgnore]
    public bool IsReady => Phase == ReplicaPhase.Staying && Seen?.State == InstanceState.Running;

    /// <summary>Price per hour that counts against the budget: the snapshot, or the cap while there is none.</summary>
    [JsonIgnore]
    public MicroEuro? Price => Seen?.Price ?? PriceCap;
}

public enum ReplicaPhase
{
    /// <summary>Its instance is to exist and to run.</summary>
    Staying = 0,

    /// <summary>It takes no new requests and finishes those it has.</summary>
    Draining = 1,

    /// <summary>Its instance stops and is then deleted.</summary>
    Removing = 2,
}

/// <summary>What a service has seen of the instance of a replica.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ReplicaSight")]
public sealed record ReplicaSight
{
    /// <summary>Of the instance's record.</summary>
    [Id(0)]
    public long Generation { get; init; }

    [Id(1)]
    public InstanceState State { get; init; }

    /// <summary>When the state began.</summary>
    [Id(2)]
    public DateTimeOffset Since { get; init; }

    [Id(3)]
    public int Run { get; init; }

    /// <summary>Start of <c>running</c> in this run; null before.</summary>
    [Id(4)]
    public DateTimeOffset? RunningSince { get; init; }

    /// <summary>End of <c>running</c> in this run; null before.</summary>
    [Id(5)]
    public DateTimeOffset? RunningUntil { get; init; }

    /// <summary>Price per hour of the run; null without an offer.</summary>
    [Id(6)]
    public MicroEuro? Price { get; init; }

    /// <summary>Why it failed; null unless it did.</summary>
    [Id(7)]
    public FailureRecord? Failure { get; init; }

    /// <summary>Provider, region and GPU type, for example <c>runpod/eu/A100</c>; empty without an offer.</summary>
    [Id(8)]
    public string Route { get; init; } = "";

    [Id(9)]
    public bool IsSpot { get; init; }

    /// <summary>Whether releases or settlements are not confirmed yet.</summary>
    [Id(10)]
    public bool HasCleanup { get; init; }

    public static ReplicaSight Of(InstanceRecord record) =>
        new()
        {
            Generation = record.Generation,
            State = record.State,
            Since = record.StateSince,
            Run = record.Run,
            RunningSince = record.RunningSince,
            RunningUntil = record.RunningUntil,
            Price = record.Intent?.PriceSnapshot,
            Failure = record.State == InstanceState.Failed ? record.Failure : null,
            Route = record.Intent is { Offer: { } offer } ? $"{offer.Provider}/{offer.Region}/{offer.GpuType}" : "",
            IsSpot = record.Intent?.Offer.Spot == true,
            HasCleanup = !record.PendingCleanups.IsEmpty,
        };
}
