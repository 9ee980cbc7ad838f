using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Instances;

namespace Scheduler.Domain.Firewalls;

/// <summary>Changes of an account's rules and firewalls: pure. Each returns the whole set of the next write.</summary>
/// <remarks>
/// A version is never used again for other contents under the same slug, because gateways remember verdicts by version.
/// What is created again after a delete therefore continues after its last version. The set keeps the last versions of
/// deleted slugs; when these become too many, it drops the lowest one, and slugs that it does not know begin above
/// that.
/// </remarks>
public static class FirewallDecisions
{
    /// <summary>Deleted slugs whose last version is kept: about 20 kB.</summary>
    internal const int MostRetired = 256;

    /// <summary>Adds a rule or replaces it, and counts up the versions of the firewalls that use it.</summary>
    public static FirewallSet PutRule(FirewallSet set, FirewallRule rule, in Cause cause)
    {
        var (now, name) = (cause.Now, $"rules/{rule.Slug}");
        var known = set.FindRule(rule.Slug);
        var put = new FirewallRuleRecord
        {
            Rule = rule,
            Version = (known?.Version ?? LastVersionOf(set, name)) + 1,
            CreatedAt = known?.CreatedAt ?? now,
            UpdatedAt = now,
        };
        var users = set.UsersOf(rule.Slug);
        var next = set with
        {
            Rules =
            [
                .. set
                    .Rules.Where(other => other.Slug != rule.Slug)
                    .Append(put)
                    .OrderBy(one => one.Slug, StringComparer.Ordinal),
            ],
            Firewalls =
            [
                .. set.Firewalls.Select(firewall =>
                    users.Contains(firewall.Slug, StringComparer.Ordinal)
                        ? firewall with
                        {
                            Version = firewall.Version + 1,
                            UpdatedAt = now,
                        }
                        : firewall
                ),
            ],
        };
        return Written(
            Present(next, name),
            cause,
            [
                FirewallEvents.RulePut(rule, isNew: known is null),
                .. users.Select(user => FirewallEvents.RuleOfFirewallChanged(user, rule.Slug)),
            ]
        );
    }

    /// <summary>Removes a rule that no firewall uses.</summary>
    public static FirewallSet RemoveRule(FirewallSet set, FirewallRuleRecord rule, in Cause cause)
    {
        var next = set with { Rules = set.Rules.Remove(rule) };
        return Written(
            Retire(next, $"rules/{rule.Slug}", rule.Version + 1),
            cause,
            FirewallEvents.RuleDeleted(rule.Slug)
        );
    }

    /// <summary>Everything wrong with a firewall: in itself, and rules that the account cannot use.</summary>
    public static ImmutableArray<FirewallFault> FaultsOf(FirewallSet set, FirewallDraft draft)
    {
        var faults = FirewallValidation.FaultsOf(draft).ToBuilder();
        for (var i = 0; i < Math.Min(draft.Rules.Length, FirewallValidation.MostRules); i++)
        {
            var (slug, field) = (draft.Rules[i], FirewallValidation.RuleField(i));
            if (
                faults.All(fault => fault.Field != field)
                && set.FindRule(slug) is null
                && ShippedRules.Find(slug) is null
            )
            {
                faults.Add(
                    new(
                        field,
                        $"No rule '{slug}' is the account's own or shipped; list what there is, or create it first."
                    )
                );
            }
        }

        return faults.ToImmutable();
    }

    /// <summary>Adds a firewall without faults, or replaces it; the same set when nothing changes.</summary>
    public static FirewallSet PutFirewall(FirewallSet set, string slug, FirewallDraft draft, in Cause cause)
    {
        var name = $"firewalls/{slug}";
        var known = set.Firewalls.FirstOrDefault(firewall => firewall.Slug == slug);
        var put = new StoredFirewall
        {
            Slug = slug,
            Draft = draft,
            // An own rule comes first: one that is shipped later must not take its place.
            Shipped =
            [
                .. draft.Rules.Where(rule => set.FindRule(rule) is null).Select(rule => ShippedRules.Find(rule)!),
            ],
            Version = (known?.Version ?? LastVersionOf(set, name)) + 1,
            CreatedAt = known?.CreatedAt ?? cause.Now,
            UpdatedAt = cause.Now,
        };
        if (known is not null && known.Draft.Equals(draft) && known.Shipped.SequenceEqual(put.Shipped))
        {
            return set;
        }

        var next = set with
        {
            Firewalls =
            [
                .. set
                    .Firewalls.Where(other => other.Slug != slug)
                    .Append(put)
                    .OrderBy(one => one.Slug, StringComparer.Ordinal),
            ],
        };
        return Written(Present(next, name), cause, FirewallEvents.FirewallPut(put, isNew: known is null));
    }

    public static FirewallSet RemoveFirewall(FirewallSet set, string slug, in Cause cause)
    {
        var removed = set.Firewalls.Single(firewall => firewall.Slug == slug);
        var next = set with { Firewalls = set.Firewalls.Remove(removed) };
        return Written(
            Retire(next, $"firewalls/{slug}", removed.Version + 1),
            cause,
            FirewallEvents.FirewallDeleted(slug)
        );
    }

    private static long LastVersionOf(FirewallSet set, string name) =>
        set.Retired.FirstOrDefault(retired => retired.Name == name)?.Version ?? set.ForgottenVersion;

    private static FirewallSet Present(FirewallSet set, string name) =>
        set with
        {
            Retired = set.Retired.RemoveAll(retired => retired.Name == name),
        };

    private static FirewallSet Retire(FirewallSet set, string name, long version)
    {
        var retired = set.Retired.Add(new RetiredVersion(name, version));
        if (retired.Length <= MostRetired)
        {
            return set with { Retired = retired };
        }

        var lowest = retired.MinBy(one => one.Version)!;
        return set with
        {
            Retired = retired.Remove(lowest),
            ForgottenVersion = Math.Max(set.ForgottenVersion, lowest.Version),
        };
    }

    private static FirewallSet Written(FirewallSet next, Cause cause, params ImmutableArray<StoredEvent> events) =>
        next with
        {
            Events =
            [
                .. events.Select(
                    (happened, i) =>
                        happened with
                        {
                            Sequence = next.LastSequence + i + 1,
                            At = cause.Now,
                            RequestId = cause.RequestId,
                            Actor = cause.Actor,
                        }
                ),
            ],
            LastSequence = next.LastSequence + events.Length,
        };
}
