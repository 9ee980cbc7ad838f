using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Instances;

/// <summary>The stored state of one instance. Written whole, once per transition; state name <c>instance</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.InstanceRecord")]
public sealed record InstanceRecord : IStoredState
{
    public const int CurrentSchemaVersion = 2;

    /// <inheritdoc/>
    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>Empty until created.</summary>
    [Id(1)]
    public InstanceId Id { get; init; }

    [Id(2)]
    public AccountId Account { get; init; }

    /// <summary>The name that requests use; unique in the account among all that is not deleted (INV-11).</summary>
    [Id(3)]
    public string ServingName { get; init; } = "";

    [Id(4)]
    public LaunchSpec Spec { get; init; } = new();

    [Id(5)]
    public InstanceState State { get; init; }

    [Id(6)]
    public DateTimeOffset StateSince { get; init; }

    /// <summary>Counts all writes; an answer to an older generation is stale.</summary>
    [Id(7)]
    public long Generation { get; init; }

    /// <summary>Number of the launch, from 1; 0 before the first.</summary>
    [Id(8)]
    public int Run { get; init; }

    /// <summary>Number of the attempt (route tried) within the run, from 1.</summary>
    [Id(9)]
    public int Attempt { get; init; }

    /// <summary>The chosen offer, stored before the provider is called; kept until the run is over.</summary>
    [Id(10)]
    public AllocationIntent? Intent { get; init; }

    /// <summary>The provider's allocation; null until it confirms one.</summary>
    [Id(11)]
    public Allocation? Allocation { get; init; }

    /// <summary>Start of <c>running</c> in this run.</summary>
    [Id(12)]
    public DateTimeOffset? RunningSince { get; init; }

    /// <summary>End of <c>running</c> in this run.</summary>
    [Id(13)]
    public DateTimeOffset? RunningUntil { get; init; }

    /// <summary>Kept until the next start.</summary>
    [Id(14)]
    public FailureRecord? Failure { get; init; }

    /// <summary>Pending cleanup: releases and settlements. Empty when nothing is held or billed.</summary>
    [Id(15)]
    public ImmutableArray<Debt> Debts { get; init; } = [];

    /// <summary>Routes that failed this instance, and until when they rank last for it.</summary>
    [Id(16)]
    public ImmutableArray<AvoidedRoute> AvoidedRoutes { get; init; } = [];

    /// <summary>The latest handled commands, newest last, so that a repeated command has no effect.</summary>
    [Id(17)]
    public ImmutableArray<HandledCommand> Handled { get; init; } = [];

    /// <summary>The request that caused the current run or state.</summary>
    [Id(18)]
    public RequestId RequestId { get; init; }

    [Id(19)]
    public DateTimeOffset CreatedAt { get; init; }

    [Id(20)]
    public DateTimeOffset UpdatedAt { get; init; }

    /// <inheritdoc/>
    [Id(21)]
    public DateTimeOffset? WakeAt { get; init; }

    /// <inheritdoc/>
    [Id(22)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    [Id(23)]
    public long LastSequence { get; init; }

    /// <summary>Digest of the create request, to distinguish a repeated create from a different one.</summary>
    [Id(24)]
    public string CreateFingerprint { get; init; } = "";

    [Id(25)]
    public ImmutableSortedDictionary<string, string> Labels { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The number of re-routes by the scheduler since a caller last started the instance.</summary>
    [Id(26)]
    public int Reroutes { get; init; }

    /// <summary>Slug of the firewall for all requests to this instance; null for no own firewall.</summary>
    [Id(27)]
    public string? Firewall { get; init; }

    [JsonIgnore]
    public bool Exists => Generation > 0;
}

/// <summary>The plan of one allocation attempt, stored before the provider is called.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.AllocationIntent")]
public sealed record AllocationIntent
{
    /// <summary>The idempotency key of the allocation at the provider.</summary>
    [Id(0)]
    public AllocationKey Key { get; init; }

    [Id(1)]
    public Offer Offer { get; init; } = null!;

    /// <summary>The price per hour, fixed when the offer was chosen.</summary>
    [Id(2)]
    public MicroEuro PriceSnapshot { get; init; }

    [Id(3)]
    public MicroEuro Hold { get; init; }

    /// <summary>End of the wait for capacity.</summary>
    [Id(4)]
    public DateTimeOffset AllocationDeadline { get; init; }

    /// <summary>End of the wait for a healthy runtime; set on entering <c>starting</c>.</summary>
    [Id(5)]
    public DateTimeOffset? StartDeadline { get; init; }

    /// <summary>One line: why this offer.</summary>
    [Id(6)]
    public string Why { get; init; } = "";

    /// <summary>The published name of the model.</summary>
    [Id(7)]
    public string Model { get; init; } = "";
}

[GenerateSerializer, Immutable, Alias("scheduler.FailureRecord")]
public sealed record FailureRecord
{
    [Id(0)]
    public Failure Failure { get; init; } = new();

    [Id(1)]
    public RequestId RequestId { get; init; }

    [Id(2)]
    public DateTimeOffset FailedAt { get; init; }

    [Id(3)]
    public int Run { get; init; }

    [Id(4)]
    public int Attempt { get; init; }
}

/// <summary>One pending cleanup outside the instance, retried until it is confirmed.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.Debt")]
public sealed record Debt
{
    [Id(0)]
    public DebtKind Kind { get; init; }

    /// <summary>The provider that must confirm the release; empty for money.</summary>
    [Id(1)]
    public ProviderId Provider { get; init; } = new("");

    /// <summary>The allocation key to release; empty for money.</summary>
    [Id(2)]
    public AllocationKey Key { get; init; } = new("");

    /// <summary>The run whose hold or meter must be settled.</summary>
    [Id(3)]
    public int Run { get; init; }

    /// <summary>Null when the run never reached <c>running</c>, so that only its hold is released.</summary>
    [Id(4)]
    public DateTimeOffset? RunningSince { get; init; }

    [Id(5)]
    public DateTimeOffset? RunningUntil { get; init; }

    [Id(6)]
    public MicroEuro PricePerHour { get; init; }

    [Id(7)]
    public DateTimeOffset Since { get; init; }
}

public enum DebtKind
{
    /// <summary>The provider must confirm that it holds nothing under the key.</summary>
    Release = 1,

    /// <summary>The account must bill the run up to its end and release its hold.</summary>
    Settle = 2,
}

/// <param name="Until">End of the time in which it ranks last.</param>
[GenerateSerializer, Immutable, Alias("scheduler.AvoidedRoute")]
public sealed record AvoidedRoute([property: Id(0)] Route Route, [property: Id(1)] DateTimeOffset Until);

/// <param name="RequestId">The caller's idempotency id.</param>
[GenerateSerializer, Immutable, Alias("scheduler.HandledCommand")]
public sealed record HandledCommand([property: Id(0)] string Command, [property: Id(1)] string RequestId);
