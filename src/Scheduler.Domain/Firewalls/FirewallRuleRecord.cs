using System.Text.Json.Serialization;

namespace Scheduler.Domain.Firewalls;

/// <summary>
/// A rule of an account, as it is stored and shown. A shipped rule is shown with version 0 and without times.
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.FirewallRuleRecord")]
public sealed record FirewallRuleRecord
{
    // The ids 0, 1, 4, 5 and 8 to 11 belonged to the state of one rule; they are not used again.
    [Id(2)]
    public FirewallRule Rule { get; init; } = new();

    /// <summary>Counts every change of the rule, from 1, also across a delete.</summary>
    [Id(3)]
    public long Version { get; init; }

    [Id(6)]
    public DateTimeOffset CreatedAt { get; init; }

    [Id(7)]
    public DateTimeOffset UpdatedAt { get; init; }

    [JsonIgnore]
    public string Slug => Rule.Slug;
}
