using System.Diagnostics;
using Scheduler.Domain.Firewalls;

namespace Scheduler.Dashboard.Firewalls;

/// <summary>What a firewall does and found, in words.</summary>
internal static class FirewallWords
{
    public static string Word(this FirewallMode mode) =>
        mode switch
        {
            FirewallMode.Block => "block",
            FirewallMode.Audit => "audit",
            FirewallMode.Allow => "allow",
            _ => throw new UnreachableException(),
        };

    /// <summary>What becomes of a request, in this mode.</summary>
    public static string Effect(this FirewallMode mode) =>
        mode switch
        {
            FirewallMode.Block =>
                "Every request waits for its verdict. A match is refused with FIREWALL_BLOCKED, and without a verdict nothing passes: JUDGE_UNREACHABLE.",
            FirewallMode.Audit =>
                "Requests wait for nothing and none is refused. The judge is asked beside them, and what it finds is recorded.",
            FirewallMode.Allow =>
                "Every request waits for its verdict, but none is refused: matches are told in the header X-Firewall-Matched of the answer.",
            _ => throw new UnreachableException(),
        };

    public static bool TryParseMode(string word, out FirewallMode mode)
    {
        mode = Enum.GetValues<FirewallMode>().FirstOrDefault(one => one.Word() == word);
        return mode != default;
    }

    public static string Word(this RuleSeverity severity) =>
        severity switch
        {
            RuleSeverity.Low => "low",
            RuleSeverity.Medium => "medium",
            RuleSeverity.High => "high",
            RuleSeverity.Critical => "critical",
            _ => throw new UnreachableException(),
        };

    public static string Word(this FirewallDecision decision) =>
        decision switch
        {
            FirewallDecision.Pass => "passed",
            FirewallDecision.Match => "matched",
            FirewallDecision.Unjudged => "unjudged",
            _ => throw new UnreachableException(),
        };
}
