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

/// <summary>Everything stored of one instance. Written whole, once per transition; state name <c>instance</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.InstanceRecord")]
public sealed record InstanceRecord : IStoredState
{
    /// <summary>The shape this code writes.</summary>
    public const int CurrentSchemaVersion = 2;

    /// <inheritdoc/>
    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>Which instance; empty until created.</summary>
    [Id(1)]
    public InstanceId Id { get; init; }

    /// <summary>Whose.</summary>
    [Id(2)]
    public AccountId Account { get; init; }

    /// <summary>The name requests are sent to; unique in the account among what is not deleted (INV-11).</summary>
    [Id(3)]
    public string ServingName { get; init; } = "";

    /// <summary>What to run.</summary>
    [Id(4)]
    public LaunchSpec Spec { get; init; } = new();

    /// <summary>Where it stands.</summary>
    [Id(5)]
    public InstanceState State { get; init; }

    /// <summary>Since when.</summary>
    [Id(6)]
    public DateTimeOffset StateSince { get; init; }

    /// <summary>Counts every write; an answer that names an older one is stale.</summary>
    [Id(7)]
    public long Generation { get; init; }

    /// <summary>Counts launches, from 1; 0 before the first.</summary>
    [Id(8)]
    public int Run { get; init; }

    /// <summary>Counts attempts (routes tried) within the run, from 1.</summary>
    [Id(9)]
    public int Attempt { get; init; }

    /// <summary>What was decided before the provider was called; kept until the run is over.</summary>
    [Id(10)]
    public AllocationIntent? Intent { get; init; }

    /// <summary>What the provider gave.</summary>
    [Id(11)]
    public Allocation? Allocation { get; init; }

    /// <summary>Start of <c>running</c> in this run.</summary>
    [Id(12)]
    public DateTimeOffset? RunningSince { get; init; }

    /// <summary>End of <c>running</c> in this run.</summary>
    [Id(13)]
    public DateTimeOffset? RunningUntil { get; init; }

    /// <summary>Why it failed; kept until the next start.</summary>
    [Id(14)]
    public FailureRecord? Failure { get; init; }

    /// <summary>What is still owed to the world outside: releases, settlements. Empty when nothing is held or billed.</summary>
    [Id(15)]
    public ImmutableArray<Debt> Debts { get; init; } = [];

    /// <summary>Routes that failed this instance and until when they rank last for it.</summary>
    [Id(16)]
    public ImmutableArray<AvoidedRoute> AvoidedRoutes { get; init; } = [];

    /// <summary>The latest commands handled, newest last, so that a repeated one is harmless.</summary>
    [Id(17)]
    public ImmutableArray<HandledCommand> Handled { get; init; } = [];

    /// <summary>The request that the present run or state is due to.</summary>
    [Id(18)]
    public RequestId RequestId { get; init; }

    /// <summary>When it was created.</summary>
    [Id(19)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last written.</summary>
    [Id(20)]
    public DateTimeOffset UpdatedAt { get; init; }

    /// <inheritdoc/>
    [Id(21)]
    public DateTimeOffset? WakeAt { get; init; }

    /// <inheritdoc/>
    [Id(22)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    /// <summary>Sequence number of the latest event.</summary>
    [Id(23)]
    public long LastSequence { get; init; }

    /// <summary>What the create asked for (a digest), so that a repeated create can be told from a different one.</summary>
    [Id(24)]
    public string CreateFingerprint { get; init; } = "";

    /// <summary>Free labels.</summary>
    [Id(25)]
    public ImmutableSortedDictionary<string, string> Labels { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>How often the scheduler itself re-routed since a caller last started it.</summary>
    [Id(26)]
    public int Reroutes { get; init; }

    /// <summary>Slug of the firewall that every request to it passes; null for none of its own.</summary>
    [Id(27)]
    public string? Firewall { get; init; }

    /// <summary>Whether there is such an instance at all.</summary>
    [JsonIgnore]
    public bool Exists => Generation > 0;
}

/// <summary>What was decided about one allocation attempt, written before the provider was called.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.AllocationIntent")]
public sealed record AllocationIntent
{
    /// <summary>Our idempotency key.</summary>
    [Id(0)]
    public AllocationKey Key { get; init; }

    /// <summary>The offer chosen.</summary>
    [Id(1)]
    public Offer Offer { get; init; } = null!;

    /// <summary>The price per hour, locked when the offer was chosen.</summary>
    [Id(2)]
    public MicroEuro PriceSnapshot { get; init; }

    /// <summary>What was put aside.</summary>
    [Id(3)]
    public MicroEuro Hold { get; init; }

    /// <summary>When the wait for capacity ends.</summary>
    [Id(4)]
    public DateTimeOffset AllocationDeadline { get; init; }

    /// <summary>When the wait for a healthy runtime ends; set on entering <c>starting</c>.</summary>
    [Id(5)]
    public DateTimeOffset? StartDeadline { get; init; }

    /// <summary>One line: why this offer.</summary>
    [Id(6)]
    public string Why { get; init; } = "";

    /// <summary>The published name of the model to be loaded.</summary>
    [Id(7)]
    public string Model { get; init; } = "";
}

/// <summary>A failure as it is kept on the instance.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.FailureRecord")]
public sealed record FailureRecord
{
    /// <summary>What and why and what to do.</summary>
    [Id(0)]
    public Failure Failure { get; init; } = new();

    /// <summary>Under which request.</summary>
    [Id(1)]
    public RequestId RequestId { get; init; }

    /// <summary>When.</summary>
    [Id(2)]
    public DateTimeOffset FailedAt { get; init; }

    /// <summary>In which run.</summary>
    [Id(3)]
    public int Run { get; init; }

    /// <summary>In which attempt of it.</summary>
    [Id(4)]
    public int Attempt { get; init; }
}

/// <summary>Something still owed to the world outside, pursued until it is confirmed.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.Debt")]
public sealed record Debt
{
    /// <summary>What kind of debt.</summary>
    [Id(0)]
    public DebtKind Kind { get; init; }

    /// <summary>The provider that must confirm a release; empty for money.</summary>
    [Id(1)]
    public ProviderId Provider { get; init; } = new("");

    /// <summary>The key to release; empty for money.</summary>
    [Id(2)]
    public AllocationKey Key { get; init; } = new("");

    /// <summary>The run whose hold or meter must be settled.</summary>
    [Id(3)]
    public int Run { get; init; }

    /// <summary>Start of <c>running</c> in that run; null when it never ran (the hold alone is given back).</summary>
    [Id(4)]
    public DateTimeOffset? RunningSince { get; init; }

    /// <summary>End of <c>running</c> in that run.</summary>
    [Id(5)]
    public DateTimeOffset? RunningUntil { get; init; }

    /// <summary>Price of that run.</summary>
    [Id(6)]
    public MicroEuro PricePerHour { get; init; }

    /// <summary>Since when it is owed.</summary>
    [Id(7)]
    public DateTimeOffset Since { get; init; }
}

/// <summary>Kinds of debt.</summary>
public enum DebtKind
{
    /// <summary>The provider must confirm that it holds nothing under the key.</summary>
    Release = 1,

    /// <summary>The account must bill the run to its end and give back its hold.</summary>
    Settle = 2,
}

/// <summary>A route that failed this instance.</summary>
/// <param name="Route">Which.</param>
/// <param name="Until">Until when it ranks last.</param>
[GenerateSerializer, Immutable, Alias("scheduler.AvoidedRoute")]
public sealed record AvoidedRoute([property: Id(0)] Route Route, [property: Id(1)] DateTimeOffset Until);

/// <summary>A command that was handled.</summary>
/// <param name="Command">Its verb.</param>
/// <param name="RequestId">The caller's idempotency id.</param>
[GenerateSerializer, Immutable, Alias("scheduler.HandledCommand")]
public sealed record HandledCommand([property: Id(0)] string Command, [property: Id(1)] string RequestId);
