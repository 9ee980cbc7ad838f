using System.Collections.Immutable;

namespace Scheduler.Domain.Firewalls;

/// <summary>What an account wants of a firewall, before it is known whether rules and judge exist.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.FirewallDraft")]
public sealed record FirewallDraft
{
    /// <summary>How long the judge may take where the account does not say.</summary>
    public static readonly TimeSpan DefaultJudgeDeadline = TimeSpan.FromSeconds(2);

    /// <summary>For people, one line.</summary>
    [Id(0)]
    public string Name { get; init; } = "";

    /// <summary>What a match and a missing verdict lead to.</summary>
    [Id(1)]
    public FirewallMode Mode { get; init; }

    /// <summary>Serving name of the instance that answers the rules' questions.</summary>
    [Id(2)]
    public string Judge { get; init; } = "";

    /// <summary>Slugs of the rules, in the order they are asked and reported.</summary>
    [Id(3)]
    public ImmutableArray<string> Rules { get; init; } = [];

    /// <summary>How long the judge may take for one request, hedge included.</summary>
    [Id(4)]
    public TimeSpan JudgeDeadline { get; init; } = DefaultJudgeDeadline;

    /// <summary>Whether evaluations keep the beginning of the judged text (<see cref="FirewallEvaluation.LongestPrompt"/>).</summary>
    [Id(5)]
    public bool KeepPrompt { get; init; }

    /// <summary>Whether another draft asks for the same, rule by rule.</summary>
    public bool Equals(FirewallDraft? other) =>
        other is not null
        && string.Equals(Name, other.Name, StringComparison.Ordinal)
        && Mode == other.Mode
        && string.Equals(Judge, other.Judge, StringComparison.Ordinal)
        && Rules.SequenceEqual(other.Rules, StringComparer.Ordinal)
        && JudgeDeadline == other.JudgeDeadline
        && KeepPrompt == other.KeepPrompt;

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Mode, Judge, Rules.Length, JudgeDeadline, KeepPrompt);
}

/// <summary>What a firewall does with what its judge says.</summary>
public enum FirewallMode
{
    /// <summary>A match refuses the request; so does a judge that cannot be asked (INV-10).</summary>
    Block = 1,

    /// <summary>The judge is asked beside the request, which waits for nothing; matches are recorded.</summary>
    Audit = 2,

    /// <summary>Matches are told in a header of the answer; nothing is refused.</summary>
    Allow = 3,
}
