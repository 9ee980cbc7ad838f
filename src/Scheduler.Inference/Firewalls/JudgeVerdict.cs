using System.Collections.Immutable;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Firewalls;

/// <summary>What a firewall's judge said of a text, or why it said nothing.</summary>
internal sealed record JudgeVerdict
{
    /// <summary>One answer for each rule; empty where there is none.</summary>
    public ImmutableArray<bool> Answers { get; private init; } = [];

    /// <summary>Why there is none; null where there is.</summary>
    public JudgeFault? Fault { get; private init; }

    /// <summary>The instance behind the judge's name; null where it is not known.</summary>
    public InstanceId? Instance { get; init; }

    /// <summary>Where it stands, as the API names it; null where that is not known.</summary>
    public string? State { get; init; }

    /// <summary>What was heard from the judge instead; null where nothing was.</summary>
    public string? Reason { get; init; }

    /// <summary>With what the judge itself failed last.</summary>
    public FailureCode JudgeCode { get; init; }

    /// <summary>How long it took.</summary>
    public TimeSpan Latency { get; init; }

    /// <summary>Whether it was remembered.</summary>
    public bool Remembered { get; init; }

    /// <summary>What that comes to.</summary>
    public FirewallDecision Decision =>
        Fault is not null ? FirewallDecision.Unjudged
        : Answers.Contains(true) ? FirewallDecision.Match
        : FirewallDecision.Pass;

    /// <summary>A verdict.</summary>
    public static JudgeVerdict Of(ImmutableArray<bool> answers) => new() { Answers = answers };

    /// <summary>No verdict.</summary>
    public static JudgeVerdict None(JudgeFault fault) => new() { Fault = fault };

    /// <summary>The rules of a firewall that matched.</summary>
    public ImmutableArray<FirewallRule> MatchedOf(FirewallRecord firewall) =>
        [.. firewall.Rules.Where((_, i) => i < Answers.Length && Answers[i])];

    /// <summary>What the request is refused with in block mode; null where it passes (INV-10).</summary>
    public Failure? RefusalBy(FirewallRecord firewall) =>
        Decision switch
        {
            FirewallDecision.Pass => null,
            FirewallDecision.Match => FailureCatalogue.Describe(
                new FirewallBlockedFacts(firewall.Account, firewall.Slug, MatchedOf(firewall))
            ),
            FirewallDecision.Unjudged => UnjudgedBy(firewall),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    /// <summary>Why there is no verdict; null where there is one.</summary>
    public Failure? UnjudgedBy(FirewallRecord firewall) =>
        Fault is { } why
            ? FailureCatalogue.Describe(
                new JudgeUnreachableFacts(
                    firewall.Account,
                    firewall.Slug,
                    firewall.Draft?.Judge ?? "",
                    why,
                    Instance,
                    State,
                    firewall.Draft?.JudgeDeadline ?? FirewallDraft.DefaultJudgeDeadline,
                    Reason,
                    JudgeCode
                )
            )
            : null;
}
