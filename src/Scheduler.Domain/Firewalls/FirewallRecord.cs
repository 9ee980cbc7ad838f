using System.Collections.Immutable;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Firewalls;

/// <summary>A firewall together with its rules: all that a gateway needs to judge by it.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.FirewallRecord")]
public sealed record FirewallRecord
{
    // The ids 0 and 8 to 10 belonged to the state of one firewall; they are not used again.
    [Id(1)]
    public AccountId Account { get; init; }

    /// <summary>Its name in requests; unique in the account.</summary>
    [Id(2)]
    public string Slug { get; init; } = "";

    /// <summary>Null where a request names a firewall that the account does not have.</summary>
    [Id(3)]
    public FirewallDraft? Draft { get; init; }

    /// <summary>The rules as the judge is asked, in the order of the draft.</summary>
    [Id(4)]
    public ImmutableArray<FirewallRule> Rules { get; init; } = [];

    /// <summary>
    /// Counts every change of it and of its rules, from 1, also across a delete: a verdict holds for one version.
    /// </summary>
    [Id(5)]
    public long Version { get; init; }

    [Id(6)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it or one of its rules was last changed.</summary>
    [Id(7)]
    public DateTimeOffset UpdatedAt { get; init; }
}
