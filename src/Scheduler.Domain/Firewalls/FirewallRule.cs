namespace Scheduler.Domain.Firewalls;

/// <summary>A yes/no question about a text; yes is a match.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.FirewallRule")]
public sealed record FirewallRule
{
    /// <summary>Its name in requests, answers and lists; see <see cref="FirewallValidation.Slug"/>.</summary>
    [Id(0)]
    public string Slug { get; init; } = "";

    /// <summary>For people, one line.</summary>
    [Id(1)]
    public string Name { get; init; } = "";

    /// <summary>For people: what it is for; may be empty.</summary>
    [Id(2)]
    public string Description { get; init; } = "";

    /// <summary>The question the judge is asked, one line; a yes is a match.</summary>
    [Id(3)]
    public string Prompt { get; init; } = "";

    /// <summary>Under what rules are grouped, for example <c>security</c> or a hazard code such as <c>S9</c>.</summary>
    [Id(4)]
    public string Category { get; init; } = "";

    /// <summary>How bad a match is.</summary>
    [Id(5)]
    public RuleSeverity Severity { get; init; }

    /// <summary>Where the rule comes from, in its author's words; <c>shipped</c> for those that come with the scheduler.</summary>
    [Id(6)]
    public string Source { get; init; } = "";

    /// <summary>Whether its author advises every firewall to have it.</summary>
    [Id(7)]
    public bool Recommended { get; init; }
}

/// <summary>How bad a match is. It orders lists and reports; what becomes of a request is the firewall's mode alone.</summary>
public enum RuleSeverity
{
    /// <summary>Worth knowing.</summary>
    Low = 1,

    /// <summary>Worth looking at.</summary>
    Medium = 2,

    /// <summary>Harmful.</summary>
    High = 3,

    /// <summary>Must never pass.</summary>
    Critical = 4,
}
