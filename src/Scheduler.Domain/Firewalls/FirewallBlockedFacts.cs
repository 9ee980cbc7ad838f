using System.Collections.Immutable;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Firewalls;

/// <summary>A firewall in block mode matched.</summary>
/// <param name="Account">The account of the firewall.</param>
/// <param name="Firewall">The firewall's slug.</param>
/// <param name="Rules">The rules that matched, in the firewall's order.</param>
public sealed record FirewallBlockedFacts(AccountId Account, string Firewall, ImmutableArray<FirewallRule> Rules)
    : FailureFacts(FailureCode.FirewallBlocked)
{
    protected internal override FailureText Describe()
    {
        var slugs = string.Join(", ", Rules.Select(rule => rule.Slug));
        var names = string.Join("; ", Rules.Select(rule => $"{rule.Slug} is '{rule.Name}' ({rule.Severity})"));
        var few = Rules.Length == 1;
        return new FailureText(
            $"Firewall '{Firewall}' refused the request before any model saw it; matched {(few ? "rule" : "rules")}: {slugs}.",
            $"Leave out what the matched {(few ? "rule is" : "rules are")} about ({names}); if the verdict is wrong, try the text with POST /v1/accounts/{Account}/firewalls/{Firewall}:evaluate and reword the rule.",
            Details(("firewall", Firewall), ("rules", string.Join(',', Rules.Select(rule => rule.Slug))))
        );
    }
}
