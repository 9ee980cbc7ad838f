using System.Collections.Immutable;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Grains;
using Scheduler.Grains.Firewalls;
using Scheduler.TestKit;
using Xunit;
using static Scheduler.TestKit.TestScheduler;

namespace Scheduler.ClusterTests.Firewalls;

public sealed class FirewallGrainTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static readonly FirewallRule Own = new()
    {
        Slug = "ours",
        Name = "Our own",
        Prompt = "Is it about us?",
        Category = "policy",
        Severity = RuleSeverity.Medium,
    };

    [Fact]
    public async Task A_firewall_contains_its_complete_rules_in_order()
    {
        await using var scheduler = await DeployAsync();
        var account = await JudgedAccountAsync(scheduler);
        await RuleAsync(scheduler, account);

        var firewall = await FirewallAsync(scheduler, account, "strict", "malware", "ours", "jailbreak");

        Assert.Equal(["malware", "ours", "jailbreak"], firewall.Rules.Select(rule => rule.Slug));
        Assert.Equal(Own, firewall.Rules[1]);
        Assert.Equal(1, firewall.Version);
    }

    [Fact]
    public async Task All_validation_errors_are_reported_together_and_nothing_is_saved()
    {
        await using var scheduler = await DeployAsync();
        var account = await scheduler.AccountAsync();
        var draft = Draft("jailbreak", "nowhere", "jailbreak", "No Slug") with
        {
            Mode = default(FirewallMode),
            Judge = "nobody",
            JudgeDeadline = TimeSpan.FromMinutes(1),
            Name = "two\nlines",
        };

        var refusal = await CreateAsync(scheduler, account, "strict", draft);

        Assert.Equal(RefusalKind.Invalid, refusal.Refusal!.Kind);
        Assert.Equal(
            ["display_name", "judge", "judge_deadline", "mode", "rules[1]", "rules[2]", "rules[3]"],
            refusal.Refusal.Faults.Select(fault => fault.Field).Order(StringComparer.Ordinal)
        );
        Assert.False((await scheduler.Grains.Firewalls(account).GetAsync("strict", account)).IsOk);
        Assert.Equal(0, scheduler.Faults.Writes("firewalls"));
    }

    [Fact]
    public async Task A_judge_must_exist_but_need_not_run()
    {
        await using var scheduler = await DeployAsync();
        var account = await scheduler.AccountAsync();
        var missing = await CreateAsync(scheduler, account, "strict", Draft("jailbreak"));
        Assert.Equal(["judge"], missing.Refusal!.Faults.Select(fault => fault.Field));

        var judge = await scheduler.CreateAsync(account, name: "judge");
        Good(await CreateAsync(scheduler, account, "strict", Draft("jailbreak")));

        Good(await scheduler.DeleteAsync(judge));
        var gone = await CreateAsync(scheduler, account, "other", Draft("jailbreak"));
        Assert.Equal(["judge"], gone.Refusal!.Faults.Select(fault => fault.Field));
    }

    [Fact]
    public async Task A_repeated_create_or_update_changes_nothing()
    {
        await using var scheduler = await DeployAsync();
        var account = await JudgedAccountAsync(scheduler);
        await FirewallAsync(scheduler, account, "strict", "jailbreak");
        var again = await FirewallAsync(scheduler, account, "strict", "jailbreak");
        var update = Good(await UpdateAsync(scheduler, account, "strict", Draft("jailbreak")));
        var other = await CreateAsync(scheduler, account, "strict", Draft("malware"));

        Assert.Equal((1, 1), (again.Version, update.Version));
        Assert.Equal(1, scheduler.Faults.Writes("firewalls"));
        Assert.Equal(RefusalKind.AlreadyExists, other.Refusal!.Kind);
    }

    [Fact]
    public async Task A_rule_change_makes_a_new_version_of_every_firewall_that_uses_it_in_one_write()
    {
        await using var scheduler = await DeployAsync();
        var account = await JudgedAccountAsync(scheduler);
        await RuleAsync(scheduler, account);
        await FirewallAsync(scheduler, account, "one", "ours", "jailbreak");
        await FirewallAsync(scheduler, account, "two", "ours");
        await FirewallAsync(scheduler, account, "three", "jailbreak");
        var grain = scheduler.Grains.Firewalls(account);
        var known = await grain.WaitForChangeAsync(-1, Cancelled);
        var watching = grain.WaitForChangeAsync(known.LastSequence, Cancelled);
        var before = scheduler.Faults.Writes("firewalls");

        Good(await UpdateRuleAsync(scheduler, account, Own with { Prompt = "Is it about them?" }));

        var seen = await watching;
        Assert.Equal("Is it about them?", seen.FindFirewall("one")!.Rules[0].Prompt);
        Assert.Equal([2, 1, 2], seen.ListFirewalls("").Select(firewall => firewall.Version));
        Assert.Equal(2, seen.FindRule("ours")!.Version);
        Assert.Equal(before + 1, scheduler.Faults.Writes("firewalls"));
    }

    [Theory]
    [InlineData(FaultMoment.Before, 1)]
    [InlineData(FaultMoment.After, 2)]
    public async Task A_failed_write_changes_rule_and_firewall_together_or_neither(FaultMoment moment, long version)
    {
        await using var scheduler = await DeployAsync();
        var account = await JudgedAccountAsync(scheduler);
        await RuleAsync(scheduler, account);
        await FirewallAsync(scheduler, account, "one", "ours");
        scheduler.Faults.FailWrite("firewalls", moment);

        await Assert.ThrowsAnyAsync<Exception>(() =>
            UpdateRuleAsync(scheduler, account, Own with { Prompt = "Is it about them?" })
        );

        var rule = Good(await scheduler.Grains.Firewalls(account).GetRuleAsync("ours", account));
        var firewall = Good(await scheduler.Grains.Firewalls(account).GetAsync("one", account));
        Assert.Equal((version, version), (rule.Version, firewall.Version));
        Assert.Equal(rule.Rule, Assert.Single(firewall.Rules));
    }

    [Fact]
    public async Task Recorded_rules_and_firewalls_survive_a_crash()
    {
        await using var scheduler = await DeployAsync();
        var account = await JudgedAccountAsync(scheduler);
        await RuleAsync(scheduler, account);
        await FirewallAsync(scheduler, account, "one", "ours", "jailbreak");
        await scheduler.CrashAsync();
        await scheduler.StartSilosAsync();

        var firewall = Good(await scheduler.Grains.Firewalls(account).GetAsync("one", account));
        Assert.Equal([Own, ShippedRules.Find("jailbreak")!], firewall.Rules.AsEnumerable());
    }

    [Fact]
    public async Task An_account_has_at_most_64_rules_and_64_firewalls()
    {
        await using var scheduler = await DeployAsync();
        var account = await JudgedAccountAsync(scheduler);
        var grain = scheduler.Grains.Firewalls(account);
        for (var i = 0; i < 64; i++)
        {
            Good(await grain.CreateRuleAsync(Own with { Slug = $"rule-{i}" }, scheduler.As(account)));
            await FirewallAsync(scheduler, account, $"wall-{i}", "jailbreak");
        }

        var rule = (await grain.CreateRuleAsync(Own with { Slug = "more" }, scheduler.As(account))).Refusal!;
        var firewall = (await CreateAsync(scheduler, account, "more", Draft("jailbreak"))).Refusal!;
        Assert.Equal(
            [
                new FieldFault("parent", "Has 64 rules, the most an account may have; delete one first."),
                new FieldFault("parent", "Has 64 firewalls, the most an account may have; delete one first."),
            ],
            rule.Faults.Concat(firewall.Faults)
        );

        Good(await grain.CreateRuleAsync(Own with { Slug = "rule-1" }, scheduler.As(account)));
        Good(await grain.DeleteRuleAsync("rule-1", scheduler.As(account)));
        Good(await grain.DeleteAsync("wall-1", scheduler.As(account)));
        Good(await grain.CreateRuleAsync(Own with { Slug = "more" }, scheduler.As(account)));
        await FirewallAsync(scheduler, account, "more", "more");
    }

    [Fact]
    public async Task A_request_finds_its_events_under_the_rule_and_the_firewall_it_changed()
    {
        await using var scheduler = await DeployAsync();
        var account = await JudgedAccountAsync(scheduler);
        await RuleAsync(scheduler, account);
        await FirewallAsync(scheduler, account, "one", "ours");
        var command = scheduler.As(account) with { RequestId = new RequestId("req-change") };
        Good(await scheduler.Grains.Firewalls(account).UpdateRuleAsync(Own with { Name = "New" }, null, command));

        var events = await scheduler.Grains.Fleet().RequestAsync(command.RequestId, account, 10);
        Assert.Equal(
            [("rule", $"rule-{account}/ours", "RuleChanged"), ("firewall", $"firewall-{account}/one", "RuleChanged")],
            events.Select(one => (one.Subject.Kind, one.Subject.Id, one.Event.Trigger))
        );
    }

    [Fact]
    public async Task A_rule_in_use_is_not_deleted_and_the_refusal_names_the_firewalls()
    {
        await using var scheduler = await DeployAsync();
        var account = await JudgedAccountAsync(scheduler);
        await RuleAsync(scheduler, account);
        await FirewallAsync(scheduler, account, "one", "ours", "jailbreak");
        await FirewallAsync(scheduler, account, "two", "ours");
        var grain = scheduler.Grains.Firewalls(account);

        var refused = (await grain.DeleteRuleAsync("ours", scheduler.As(account))).Refusal!;
        Assert.Equal(RefusalKind.WrongState, refused.Kind);
        Assert.Contains("firewalls 'one', 'two'", refused.Message, StringComparison.Ordinal);

        Good(await UpdateAsync(scheduler, account, "one", Draft("jailbreak")));
        Good(await grain.DeleteAsync("two", scheduler.As(account)));
        Good(await grain.DeleteRuleAsync("ours", scheduler.As(account)));
        Assert.False((await grain.GetRuleAsync("ours", account)).IsOk);
    }

    [Fact]
    public async Task A_recreated_firewall_or_rule_continues_its_version_numbers()
    {
        await using var scheduler = await DeployAsync();
        var account = await JudgedAccountAsync(scheduler);
        await FirewallAsync(scheduler, account, "strict", "jailbreak");
        Good(await scheduler.Grains.Firewalls(account).DeleteAsync("strict", scheduler.As(account)));
        Assert.False((await scheduler.Grains.Firewalls(account).GetAsync("strict", account)).IsOk);
        Assert.Equal(3, (await FirewallAsync(scheduler, account, "strict", "jailbreak")).Version);
        Assert.Equal(1, (await FirewallAsync(scheduler, account, "other", "jailbreak")).Version);
    }

    [Fact]
    public async Task INV_08_firewalls_and_rules_of_another_account_read_as_not_found()
    {
        await using var scheduler = await DeployAsync();
        var account = await JudgedAccountAsync(scheduler);
        var other = await scheduler.AccountAsync("b");
        await RuleAsync(scheduler, account);
        await FirewallAsync(scheduler, account, "strict", "ours");
        var grain = scheduler.Grains.Firewalls(account);

        Assert.Equal(RefusalKind.NotFound, (await grain.GetAsync("strict", other)).Refusal!.Kind);
        Assert.Equal(RefusalKind.NotFound, (await grain.DeleteAsync("strict", scheduler.As(other))).Refusal!.Kind);
        Assert.Equal(RefusalKind.NotFound, (await grain.GetRuleAsync("ours", other)).Refusal!.Kind);
        Assert.Equal(RefusalKind.NotFound, (await grain.DeleteRuleAsync("ours", scheduler.As(other))).Refusal!.Kind);
        var theirs = await CreateAsync(scheduler, other, "strict", Draft("ours"));
        Assert.Equal(["judge", "rules[0]"], theirs.Refusal!.Faults.Select(f => f.Field).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Lists_page_through_existing_items_without_tombstones()
    {
        await using var scheduler = await DeployAsync();
        var account = await JudgedAccountAsync(scheduler);
        for (var i = 0; i < 6; i++)
        {
            await FirewallAsync(scheduler, account, $"wall-{i}", "jailbreak");
            if (i % 2 == 0)
            {
                Good(await scheduler.Grains.Firewalls(account).DeleteAsync($"wall-{i}", scheduler.As(account)));
            }
        }

        await RuleAsync(scheduler, account);
        var grain = scheduler.Grains.Firewalls(account);
        var first = await grain.ListAsync("", 2);
        var second = await grain.ListAsync(first[^1].Slug, 2);
        Assert.Equal(["wall-1", "wall-3", "wall-5"], first.Concat(second).Select(firewall => firewall.Slug));
        var rules = await grain.ListRulesAsync("", 1000);
        Assert.Equal(
            ShippedRules.All.Select(rule => rule.Slug).Append("ours").Order(StringComparer.Ordinal),
            rules.Select(rule => rule.Slug)
        );
    }

    [Fact]
    public async Task A_shipped_rule_cannot_be_overwritten()
    {
        await using var scheduler = await DeployAsync();
        var account = await scheduler.AccountAsync();
        var answer = await scheduler
            .Grains.Firewalls(account)
            .CreateRuleAsync(Own with { Slug = "jailbreak" }, scheduler.As(account));
        Assert.Equal(RefusalKind.AlreadyExists, answer.Refusal!.Kind);
    }

    [Fact]
    public async Task Evaluations_are_recorded_in_one_write_and_expire()
    {
        await using var scheduler = await DeployAsync(set => set.Options.Firewalls.EvaluationsKept = 100);
        var account = await scheduler.AccountAsync();
        var grain = scheduler.Grains.Evaluations(account);
        await grain.RecordAsync(account, Some(60, scheduler.Clock.GetUtcNow()));
        await grain.RecordAsync(account, Some(60, scheduler.Clock.GetUtcNow()));
        Assert.Equal(2, scheduler.Faults.Writes("evaluations"));
        var kept = await ListAsync(scheduler, account);
        Assert.Equal(Enumerable.Range(21, 100).Reverse(), kept.Select(one => (int)one.Sequence));

        scheduler.Clock.Advance(TimeSpan.FromDays(31));
        await Eventually.UntilAsync(
            () => ListAsync(scheduler, account),
            list => list.IsEmpty,
            "old evaluations expire without new ones"
        );
    }

    private static ImmutableArray<FirewallEvaluation> Some(int count, DateTimeOffset at) =>
        [
            .. Enumerable
                .Range(1, count)
                .Select(i => new FirewallEvaluation
                {
                    At = at,
                    RequestId = new RequestId($"req-{i}"),
                    Firewall = "strict",
                    Version = 1,
                    Mode = FirewallMode.Block,
                    Decision = FirewallDecision.Pass,
                    Judge = "judge",
                }),
        ];

    private static Task<ImmutableArray<FirewallEvaluation>> ListAsync(TestScheduler scheduler, AccountId account) =>
        scheduler.Grains.Evaluations(account).ListAsync(null, long.MaxValue, 1000);

    private static FirewallDraft Draft(params string[] rules) =>
        new()
        {
            Mode = FirewallMode.Block,
            Judge = "judge",
            Rules = [.. rules],
        };

    private static async Task<AccountId> JudgedAccountAsync(TestScheduler scheduler)
    {
        var account = await scheduler.AccountAsync();
        await scheduler.CreateAsync(account, name: "judge");
        return account;
    }

    private static async Task RuleAsync(TestScheduler scheduler, AccountId account) =>
        Good(await scheduler.Grains.Firewalls(account).CreateRuleAsync(Own, scheduler.As(account)));

    private static Task<Answer<FirewallRuleRecord>> UpdateRuleAsync(
        TestScheduler scheduler,
        AccountId account,
        FirewallRule rule
    ) => scheduler.Grains.Firewalls(account).UpdateRuleAsync(rule, null, scheduler.As(account));

    private static Task<Answer<FirewallRecord>> CreateAsync(
        TestScheduler scheduler,
        AccountId account,
        string slug,
        FirewallDraft draft
    ) => scheduler.Grains.Firewalls(account).CreateAsync(slug, draft, scheduler.As(account));

    private static Task<Answer<FirewallRecord>> UpdateAsync(
        TestScheduler scheduler,
        AccountId account,
        string slug,
        FirewallDraft draft
    ) => scheduler.Grains.Firewalls(account).UpdateAsync(slug, draft, null, scheduler.As(account));

    private static async Task<FirewallRecord> FirewallAsync(
        TestScheduler scheduler,
        AccountId account,
        string slug,
        params string[] rules
    ) => Good(await CreateAsync(scheduler, account, slug, Draft(rules)));
}
