using System.Collections.Immutable;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Firewalls;

/// <summary>The judge's answers to a firewall's rules, or why there are none.</summary>
internal sealed record JudgeVerdict
{
    /// <summary>One answer for each rule; empty without a verdict.</summary>
    public ImmutableArray<bool> Answers { get; private init; } = [];

    /// <summary>Why there is no verdict; null when there is one.</summary>
    public JudgeFault? Fault { get; private init; }

    public InstanceId? Instance { get; init; }

    /// <summary>The instance's state in the API's spelling; null when unknown.</summary>
    public string? State { get; init; }

    /// <summary>The error the judge returned; null without one.</summary>
    public string? Reason { get; init; }

    /// <summary>The failure code of a failed judge instance.</summary>
    public FailureCode JudgeCode { get; init; }

    public TimeSpan Latency { get; init; }

    /// <summary>Whether the answers came from the cache.</summary>
    public bool Remembered { get; init; }

    public FirewallDecision Decision =>
        Fault is not null ? FirewallDecision.Unjudged
        : Answers.Contains(true) ? FirewallDecision.Match
        : FirewallDecision.Pass;

    public static JudgeVerdict Of(ImmutableArray<bool> answers) => new() { Answers = answers };

    public static JudgeVerdict None(JudgeFault fault) => new() { Fault = fault };

    public ImmutableArray<FirewallRule> MatchedOf(FirewallRecord firewall) =>
        [.. firewall.Rules.Where((_, i) => i < Answers.Length && Answers[i])];

    /// <summary>The refusal in block mode; null when the request passes (INV-10).</summary>
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

    /// <summary>Why there is no verdict; null when there is one.</summary>
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
