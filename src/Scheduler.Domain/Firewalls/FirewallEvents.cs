using System.Collections.Immutable;
using Scheduler.Domain.Events;

namespace Scheduler.Domain.Firewalls;

/// <summary>
/// Events on the timeline of an account's rules and firewalls. Each names its rule or firewall in its data.
/// </summary>
public static class FirewallEvents
{
    private const string RuleKey = "rule";
    private const string FirewallKey = "firewall";

    /// <summary>
    /// Replaces the account's set as an event's subject by the rule or firewall that the event names. Older events,
    /// from when each was a state of its own, have that subject. Other events stay as they are.
    /// </summary>
    public static SubjectEvent WithNamedSubject(SubjectEvent happened)
    {
        var (subject, data) = (happened.Subject, happened.Event.Data);
        return subject is not { Kind: "firewalls", Account: { } account } ? happened
            : data.TryGetValue(RuleKey, out var rule)
                ? happened with
                {
                    Subject = new EventSubject(RuleKey, $"rule-{account}/{rule}", account),
                }
            : data.TryGetValue(FirewallKey, out var firewall)
                ? happened with
                {
                    Subject = new EventSubject(FirewallKey, $"firewall-{account}/{firewall}", account),
                }
            : happened;
    }

    internal static StoredEvent RulePut(FirewallRule rule, bool isNew) =>
        Of(RuleKey, rule.Slug, isNew ? "RuleCreated" : "RuleChanged", $"{rule.Category}, {rule.Severity}");

    internal static StoredEvent RuleDeleted(string rule) => Of(RuleKey, rule, "RuleDeleted", "No firewall uses it.");

    internal static StoredEvent RuleOfFirewallChanged(string firewall, string rule) =>
        Of(FirewallKey, firewall, "RuleChanged", $"Rule '{rule}' was changed.");

    internal static StoredEvent FirewallPut(StoredFirewall firewall, bool isNew) =>
        Of(
            FirewallKey,
            firewall.Slug,
            isNew ? "FirewallCreated" : "FirewallChanged",
            $"{firewall.Draft.Mode}, judge '{firewall.Draft.Judge}', {firewall.Draft.Rules.Length} rules"
        );

    internal static StoredEvent FirewallDeleted(string firewall) =>
        Of(FirewallKey, firewall, "FirewallDeleted", "The firewall was deleted.");

    private static StoredEvent Of(string key, string slug, string trigger, string reason) =>
        new()
        {
            Trigger = trigger,
            Reason = reason,
            Data = ImmutableSortedDictionary<string, string>.Empty.Add(key, slug),
        };
}
