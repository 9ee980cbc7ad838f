using System.Diagnostics;
using Scheduler.Domain.Firewalls;

namespace Scheduler.Dashboard.Firewalls;

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

    /// <summary>Effect of the mode on requests.</summary>
    public static string Effect(this FirewallMode mode) =>
        mode switch
        {
            FirewallMode.Block =>
                "Every request waits for its verdict. A match is refused with FIREWALL_BLOCKED, a request without a verdict with JUDGE_UNREACHABLE.",
            FirewallMode.Audit =>
                "No request waits and none is refused. The judge runs in parallel, and its verdicts are recorded.",
            FirewallMode.Allow =>
                "Every request waits for its verdict, but none is refused: the response header X-Firewall-Matched lists the matches.",
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
