using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Xunit;

namespace Scheduler.DomainTests.Firewalls;

public sealed class FirewallDecisionsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly Cause First = new(Noon, new RequestId("req-1"), "key:key-a");
    private static readonly Cause Later = new(Noon.AddHours(1), new RequestId("req-2"), "key:key-b");
    private static readonly FirewallSet Empty = new() { Account = new AccountId("acct-a") };

    private static readonly FirewallRule Own = new()
    {
        Slug = "ours",
        Name = "Our own",
        Prompt = "Is it about us?",
    };

    [Fact]
    public void A_changed_rule_changes_the_firewalls_that_use_it_and_no_other()
    {
        var before = With(With(Ruled(), "strict", "ours", "jailbreak"), "other", "jailbreak");
        var after = FirewallDecisions.PutRule(before, Own with { Name = "New" }, Later);

        var (strict, other) = (after.FindFirewall("strict")!, after.FindFirewall("other")!);
        Assert.Equal(["New", "Jailbreak"], strict.Rules.Select(rule => rule.Name));
        Assert.Equal((2, Later.Now, First.Now), (strict.Version, strict.UpdatedAt, strict.CreatedAt));
        Assert.Equal((1, First.Now), (other.Version, other.UpdatedAt));
        Assert.Equal((2, Later.Now, First.Now), Facts(after.FindRule("ours")!));
    }

    [Fact]
    public void Every_change_adds_its_events_without_gaps()
    {
        var set = FirewallDecisions.PutRule(With(Ruled(), "strict", "ours"), Own with { Name = "New" }, Later);
        Assert.Equal([3L, 4L], set.Events.Select(happened => happened.Sequence));
        Assert.Equal(4, set.LastSequence);
        Assert.All(set.Events, happened => Assert.Equal((Later.Now, "req-2"), (happened.At, happened.RequestId.Value)));
        Assert.Equal(["ours", "strict"], set.Events.SelectMany(happened => happened.Data.Values));
    }

    [Fact]
    public void The_same_firewall_again_changes_nothing()
    {
        var set = With(Ruled(), "strict", "ours", "jailbreak");
        Assert.Same(set, With(set, "strict", "ours", "jailbreak"));
        Assert.NotSame(set, With(set, "strict", "jailbreak", "ours"));
    }

    [Fact]
    public void A_firewall_keeps_its_copy_of_a_shipped_rule_until_its_next_change()
    {
        var old = ShippedRules.Find("jailbreak")! with { Prompt = "Old words?" };
        var set = With(Empty, "strict", "jailbreak");
        set = set with { Firewalls = [set.Firewalls[0] with { Shipped = [old] }] };
        Assert.Equal(old, Assert.Single(set.FindFirewall("strict")!.Rules));

        var again = With(set, "strict", "jailbreak").FindFirewall("strict")!;
        Assert.Equal(ShippedRules.Find("jailbreak"), Assert.Single(again.Rules));
        Assert.Equal(2, again.Version);
    }

    [Fact]
    public void A_copy_of_a_shipped_rule_is_no_use_of_an_own_rule_of_the_same_slug()
    {
        var copy = new FirewallRule { Slug = "ours", Name = "Once shipped" };
        var set = Empty with { Firewalls = [Stored("strict", copy)] };
        var after = FirewallDecisions.PutRule(set, Own, First);
        Assert.Equal(copy, Assert.Single(after.FindFirewall("strict")!.Rules));
        Assert.Equal(1, after.FindFirewall("strict")!.Version);
        Assert.Empty(after.UsersOf("ours"));

        Assert.Equal(Own, Assert.Single(With(after, "strict", "ours").FindFirewall("strict")!.Rules));
    }

    [Fact]
    public void A_rule_that_does_not_exist_is_a_fault_at_its_place()
    {
        var draft = new FirewallDraft
        {
            Mode = FirewallMode.Block,
            Judge = "judge",
            Rules = ["ours", "missing", "jailbreak", "No Slug"],
        };
        var faults = FirewallDecisions.FaultsOf(Ruled(), draft);
        Assert.Equal(["rules[1]", "rules[3]"], faults.Select(fault => fault.Field).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_version_is_never_used_again_under_the_same_slug()
    {
        var set = FirewallDecisions.RemoveRule(Ruled(), Ruled().FindRule("ours")!, Later);
        Assert.Equal(3, FirewallDecisions.PutRule(set, Own, Later).FindRule("ours")!.Version);

        set = FirewallDecisions.RemoveFirewall(With(set, "ours", "jailbreak"), "ours", Later);
        set = With(set, "ours", "jailbreak");
        Assert.Equal(3, set.FindFirewall("ours")!.Version);
        Assert.Equal(["rules/ours"], set.Retired.Select(retired => retired.Name));
    }

    [Fact]
    public void Versions_of_too_many_deleted_slugs_are_forgotten_lowest_first_and_still_not_used_again()
    {
        var set = Empty;
        foreach (var i in Enumerable.Range(0, FirewallDecisions.MostRetired + 10))
        {
            // The first three have higher versions than the others.
            set = With(set, $"wall-{i}", "jailbreak");
            set = i < 3 ? With(set, $"wall-{i}", "malware") : set;
            set = FirewallDecisions.RemoveFirewall(set, $"wall-{i}", Later);
        }

        Assert.Equal((FirewallDecisions.MostRetired, 2), (set.Retired.Length, set.ForgottenVersion));
        Assert.Equal(4, With(set, "wall-0", "jailbreak").FindFirewall("wall-0")!.Version);
        Assert.Equal(3, With(set, "wall-5", "jailbreak").FindFirewall("wall-5")!.Version);
    }

    [Theory]
    [InlineData("rule", "rule", "rule-acct-a/x")]
    [InlineData("firewall", "firewall", "firewall-acct-a/x")]
    [InlineData("other", "firewalls", "firewalls-acct-a")]
    public void An_event_is_about_the_rule_or_firewall_that_it_names(string key, string kind, string id)
    {
        var account = new AccountId("acct-a");
        var happened = new SubjectEvent(
            new EventSubject("firewalls", "firewalls-acct-a", account),
            new StoredEvent { Data = ImmutableSortedDictionary<string, string>.Empty.Add(key, "x") }
        );
        Assert.Equal(new EventSubject(kind, id, account), FirewallEvents.WithNamedSubject(happened).Subject);
    }

    private static (long, DateTimeOffset, DateTimeOffset) Facts(FirewallRuleRecord rule) =>
        (rule.Version, rule.UpdatedAt, rule.CreatedAt);

    private static FirewallSet Ruled() => FirewallDecisions.PutRule(Empty, Own, First);

    private static FirewallSet With(FirewallSet set, string slug, params string[] rules) =>
        FirewallDecisions.PutFirewall(set, slug, Draft(rules), First);

    private static StoredFirewall Stored(string slug, FirewallRule shipped) =>
        new()
        {
            Slug = slug,
            Draft = Draft(shipped.Slug),
            Shipped = [shipped],
            Version = 1,
        };

    private static FirewallDraft Draft(params string[] rules) =>
        new()
        {
            Mode = FirewallMode.Block,
            Judge = "judge",
            Rules = [.. rules],
        };
}
