namespace Scheduler.Domain.Firewalls;

/// <summary>A yes/no question about a text. The answer yes is a match.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.FirewallRule")]
public sealed record FirewallRule
{
    /// <summary>Its name in requests, answers and lists; see <see cref="FirewallValidation.Slug"/>.</summary>
    [Id(0)]
    public string Slug { get; init; } = "";

    /// <summary>For people, one line.</summary>
    [Id(1)]
    public string Name { get; init; } = "";

    /// <summary>The rule's purpose, for people; may be empty.</summary>
    [Id(2)]
    public string Description { get; init; } = "";

    /// <summary>The question for the judge, one line.</summary>
    [Id(3)]
    public string Prompt { get; init; } = "";

    /// <summary>Groups rules, for example <c>security</c> or a hazard code such as <c>S9</c>.</summary>
    [Id(4)]
    public string Category { get; init; } = "";

    [Id(5)]
    public RuleSeverity Severity { get; init; }

    /// <summary>
    /// Origin of the rule, in its author's words; <c>shipped</c> for rules that come with the scheduler.
    /// </summary>
    [Id(6)]
    public string Source { get; init; } = "";

    /// <summary>Whether its author advises that every firewall uses it.</summary>
    [Id(7)]
    public bool Recommended { get; init; }
}

/// <summary>
/// How bad a match is. Severities order lists and reports; only the firewall's mode decides about a request.
/// </summary>
public enum RuleSeverity
{
    /// <summary>Worth knowing.</summary>
    Low = 1,

    /// <summary>Worth a check.</summary>
    Medium = 2,

    /// <summary>Harmful.</summary>
    High = 3,

    /// <summary>Must never pass.</summary>
    Critical = 4,
}
