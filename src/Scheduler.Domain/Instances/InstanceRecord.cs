using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Secrets;
using Scheduler.Domain.Storage;
using Scheduler.ModelFit;

namespace Scheduler.Domain.Instances;

/// <summary>The stored state of one instance, written whole with every transition. State name <c>instance</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.InstanceRecord")]
public sealed record InstanceRecord : IStoredState
{
    /// <summary>The schema version of a record that waits for capacity or may do so.</summary>
    public const int CurrentSchemaVersion = 5;

    /// <summary>The schema version of a record with a runtime key, an environment or an image.</summary>
    private const int SchemaVersionWithKeys = 4;

    /// <summary>The schema version of all other records: builds that know only version 3 can read them.</summary>
    private const int SchemaVersionWithoutKeys = 3;

    [Id(0)]
    public int SchemaVersion { get; init; } = SchemaVersionWithoutKeys;

    /// <summary>Empty until created.</summary>
    [Id(1)]
    public InstanceId Id { get; init; }

    [Id(2)]
    public AccountId Account { get; init; }

    /// <summary>The name that requests are sent to; unique among the instances and balancers of the account that are not deleted (INV-11).</summary>
    [Id(3)]
    public string ServingName { get; init; } = "";

    [Id(4)]
    public LaunchSpec Spec { get; init; } = new();

    [Id(5)]
    public InstanceState State { get; init; }

    [Id(6)]
    public DateTimeOffset StateSince { get; init; }

    /// <summary>Counts every write; 0 before the instance is created.</summary>
    [Id(7)]
    public long Generation { get; init; }

    /// <summary>Counts launches, from 1; 0 before the first.</summary>
    [Id(8)]
    public int Run { get; init; }

    /// <summary>Counts the attempts (routes tried) of the run, from 1.</summary>
    [Id(9)]
    public int Attempt { get; init; }

    /// <summary>The placement decision, written before the provider is called and kept until the run is over.</summary>
    [Id(10)]
    public AllocationIntent? Intent { get; init; }

    /// <summary>The capacity that the provider allocated.</summary>
    [Id(11)]
    public Allocation? Allocation { get; init; }

    /// <summary>Start of <c>running</c> in this run.</summary>
    [Id(12)]
    public DateTimeOffset? RunningSince { get; init; }

    /// <summary>End of <c>running</c> in this run.</summary>
    [Id(13)]
    public DateTimeOffset? RunningUntil { get; init; }

    /// <summary>Why it failed, or in <c>waiting</c> why it waits. Kept until the next attempt.</summary>
    [Id(14)]
    public FailureRecord? Failure { get; init; }

    /// <summary>Releases and settlements that are not confirmed yet. Stored as <c>debts</c>.</summary>
    [Id(15), JsonPropertyName("debts")]
    public ImmutableArray<PendingCleanup> PendingCleanups { get; init; } = [];

    /// <summary>Routes that failed this instance, with the time until which they rank last for it.</summary>
    [Id(16)]
    public ImmutableArray<AvoidedRoute> AvoidedRoutes { get; init; } = [];

    /// <summary>The latest commands handled, newest last, so that a repeated one has no effect.</summary>
    [Id(17)]
    public ImmutableArray<HandledCommand> Handled { get; init; } = [];

    /// <summary>The request that caused the current state.</summary>
    [Id(18)]
    public RequestId RequestId { get; init; }

    [Id(19)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>The time of the last write.</summary>
    [Id(20)]
    public DateTimeOffset UpdatedAt { get; init; }

    [Id(21)]
    public DateTimeOffset? WakeAt { get; init; }

    [Id(22)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    /// <summary>Sequence number of the latest event.</summary>
    [Id(23)]
    public long LastSequence { get; init; }

    /// <summary>A digest of the create command, so that a repeated create can be told from a different one.</summary>
    [Id(24)]
    public string CreateFingerprint { get; init; } = "";

    [Id(25)]
    public ImmutableSortedDictionary<string, string> Labels { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Re-routes by the scheduler since a caller last started the instance.</summary>
    [Id(26)]
    public int Reroutes { get; init; }

    /// <summary>Slug of the firewall for requests to this instance, besides the firewall of the account; null for none.</summary>
    [Id(27)]
    public string? Firewall { get; init; }

    /// <summary>Null when no attempt failed.</summary>
    [Id(28)]
    public PastFailures? PastFailures { get; init; }

    /// <summary>The wait for capacity since the last start; null when there was none, when it led to a run, and after a stop.</summary>
    [Id(29)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public CapacityWait? Wait { get; init; }

    [JsonIgnore]
    public bool Exists => Generation > 0;

    /// <summary>The record with the schema version that its members need.</summary>
    internal InstanceRecord Versioned() =>
        SchemaVersion < VersionNeeded ? this with { SchemaVersion = VersionNeeded } : this;

    private int VersionNeeded =>
        Wait is not null || Spec.WaitForCapacity is not null ? CurrentSchemaVersion
        : Intent?.RuntimeKey is not null
        || Spec.Environment is not null
        || Spec.Image is not null
        || Spec.Constraints.RequireEncryptedPath
        || Intent?.Offer.EncryptedPath == true
            ? SchemaVersionWithKeys
        : SchemaVersionWithoutKeys;
}

/// <summary>The placement decision of one allocation attempt, written before the provider is called.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.AllocationIntent")]
public sealed record AllocationIntent
{
    /// <summary>Idempotency key of the allocation at the provider.</summary>
    [Id(0)]
    public AllocationKey Key { get; init; }

    [Id(1)]
    public Offer Offer { get; init; } = null!;

    /// <summary>Price per hour, fixed when the offer was chosen.</summary>
    [Id(2)]
    public MicroEuro PriceSnapshot { get; init; }

    /// <summary>The money reserved for the run.</summary>
    [Id(3)]
    public MicroEuro Hold { get; init; }

    /// <summary>End of the wait for capacity.</summary>
    [Id(4)]
    public DateTimeOffset AllocationDeadline { get; init; }

    /// <summary>End of the wait for a healthy runtime; set on entering <c>starting</c>.</summary>
    [Id(5)]
    public DateTimeOffset? StartDeadline { get; init; }

    /// <summary>The reason for this offer, one line.</summary>
    [Id(6)]
    public string Why { get; init; } = "";

    /// <summary>The published name of the model to load.</summary>
    [Id(7)]
    public string Model { get; init; } = "";

    /// <summary>The launch plan whose fit was checked, on the offer's GPUs; null in a record of version 2 or older.</summary>
    [Id(8)]
    public LaunchPlan? Plan { get; init; }

    /// <summary>The caller's runtime arguments that are not part of the plan; not set when there are none.</summary>
    [Id(9)]
    public ImmutableArray<string> Arguments { get; init; }

    /// <summary>
    /// The key that the runtime asks its callers for, encrypted; null when no master key was configured, and in a record of version 3 or
    /// older.
    /// </summary>
    [Id(10)]
    public SealedValue? RuntimeKey { get; init; }
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

/// <summary>The wait of one launch for capacity to appear; it holds neither an allocation nor money.</summary>
/// <param name="Since">The first refusal for lack of capacity; instances are woken in the order of this time.</param>
/// <param name="Until">When the wait ends; an attempt in between does not move it.</param>
[GenerateSerializer, Immutable, Alias("scheduler.CapacityWait")]
public sealed record CapacityWait([property: Id(0)] DateTimeOffset Since, [property: Id(1)] DateTimeOffset Until);

/// <summary>A route that failed this instance, or a whole provider: then region and GPU type are empty.</summary>
/// <param name="Until">The time until which the route ranks last.</param>
[GenerateSerializer, Immutable, Alias("scheduler.AvoidedRoute")]
public sealed record AvoidedRoute([property: Id(0)] Route Route, [property: Id(1)] DateTimeOffset Until)
{
    public static AvoidedRoute OfProvider(ProviderId provider, DateTimeOffset until) =>
        new(new Route(provider, "", ""), until);

    [JsonIgnore]
    public bool IsWholeProvider => Route.Region.Length == 0 && Route.GpuType.Length == 0;

    /// <param name="route">Text of a route.</param>
    public bool Covers(string route) =>
        IsWholeProvider ? route.StartsWith($"{Route.Provider}/", StringComparison.Ordinal) : route == Route.ToString();
}

/// <param name="Command">The verb, for example <c>Start</c>.</param>
/// <param name="RequestId">The caller's idempotency id.</param>
[GenerateSerializer, Immutable, Alias("scheduler.HandledCommand")]
public sealed record HandledCommand([property: Id(0)] string Command, [property: Id(1)] string RequestId);
