using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Storage;

namespace Scheduler.Domain.Firewalls;

/// <summary>Everything stored of one rule that an account wrote. State name <c>rule</c>.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.FirewallRuleRecord")]
public sealed record FirewallRuleRecord : IStoredState
{
    /// <summary>The shape this code writes.</summary>
    public const int CurrentSchemaVersion = 1;

    /// <inheritdoc/>
    [Id(0)]
    public int SchemaVersion { get; init; } = CurrentSchemaVersion;

    /// <summary>Whose.</summary>
    [Id(1)]
    public AccountId Account { get; init; }

    /// <summary>The rule; null before it was created and after it was deleted.</summary>
    [Id(2)]
    public FirewallRule? Rule { get; init; }

    /// <summary>Counts every change of the rule, from 1, also across a delete.</summary>
    [Id(3)]
    public long Version { get; init; }

    /// <summary>Slugs of firewalls that have it, or had it when they last asked.</summary>
    [Id(4)]
    public ImmutableSortedSet<string> UsedBy { get; init; } = ImmutableSortedSet<string>.Empty;

    /// <summary>Those of them that have still to be told of the latest change.</summary>
    [Id(5)]
    public ImmutableSortedSet<string> Untold { get; init; } = ImmutableSortedSet<string>.Empty;

    /// <summary>When it was created.</summary>
    [Id(6)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed.</summary>
    [Id(7)]
    public DateTimeOffset UpdatedAt { get; init; }

    /// <inheritdoc/>
    [Id(8)]
    public DateTimeOffset? WakeAt { get; init; }

    /// <inheritdoc/>
    [Id(9)]
    public ImmutableArray<StoredEvent> Events { get; init; } = [];

    /// <summary>Sequence number of the latest event.</summary>
    [Id(10)]
    public long LastSequence { get; init; }

    /// <summary>Its name; unique in the account, also where only a tombstone is left of it.</summary>
    [Id(11)]
    public string Slug { get; init; } = "";

    /// <summary>Whether there is such a rule now.</summary>
    [JsonIgnore]
    public bool Exists => Rule is not null;
}
