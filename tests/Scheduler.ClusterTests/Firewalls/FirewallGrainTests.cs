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
        Assert.False((await scheduler.Grains.Firewall(account, "strict").GetAsync(account)).IsOk);
        Assert.Equal(0, scheduler.Faults.Writes("firewall"));
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
        Assert.Equal(1, scheduler.Faults.Writes("firewall"));
        Assert.Equal(RefusalKind.AlreadyExists, other.Refusal!.Kind);
    }

    [Fact]
    public async Task A_rule_change_makes_a_new_version_of_every_firewall_that_uses_it()
    {
        await using var scheduler = await DeployAsync();
        var account = await JudgedAccountAsync(scheduler);
        await RuleAsync(scheduler, account);
        await FirewallAsync(scheduler, account, "one", "ours", "jailbreak");
        await FirewallAsync(scheduler, account, "two", "ours");
        await FirewallAsync(scheduler, account, "three", "jailbreak");
        var watching = scheduler
            .Grains.Firewall(account, "one")
            .WaitForChangeAsync(account, 1, TestContext.Current.CancellationToken);

        Good(await UpdateRuleAsync(scheduler, account, Own with { Prompt = "Is it about them?" }));

        Assert.Equal("Is it about them?", Good(await watching).Rules[0].Prompt);
        await VersionAsync(scheduler, account, "two", 2);
        Assert.Equal(1, Good(await scheduler.Grains.Firewall(account, "three").GetAsync(account)).Version);
        await Eventually.UntilAsync(
            async () => Good(await scheduler.Grains.FirewallRule(account, "ours").GetAsync(account)),
            rule => rule is { Untold.IsEmpty: true, WakeAt: null },
            "no firewall update is pending"
        );
    }

    [Theory]
    [InlineData(FaultMoment.Before)]
    [InlineData(FaultMoment.After)]
    public async Task A_rule_change_reaches_a_firewall_that_could_not_record_it_at_first(FaultMoment moment)
    {
        await using var scheduler = await DeployAsync();
        var account = await JudgedAccountAsync(scheduler);
        await RuleAsync(scheduler, account);
        await FirewallAsync(scheduler, account, "one", "ours");
        scheduler.Faults.FailWrite("firewall", moment);

        Good(await UpdateRuleAsync(scheduler, account, Own with { Prompt = "Is it about them?" }));

        var firewall = await VersionAsync(scheduler, account, "one", 2, TimeSpan.FromMilliseconds(200));
        Assert.Equal("Is it about them?", firewall.Rules[0].Prompt);
    }

    [Fact]
    public async Task A_rule_change_interrupted_by_a_crash_reaches_every_firewall()
    {
        await using var scheduler = await DeployAsync();
        var account = await JudgedAccountAsync(scheduler);
        await RuleAsync(scheduler, account);
        await FirewallAsync(scheduler, account, "one", "ours");
        scheduler.Faults.FailWrite("firewall", FaultMoment.Before, times: 1000);
        Good(await UpdateRuleAsync(scheduler, account, Own with { Prompt = "Is it about them?" }));
        await scheduler.CrashAsync();
        scheduler.Faults.Clear();
        await scheduler.StartSilosAsync();

        var firewall = await VersionAsync(scheduler, account, "one", 2, TimeSpan.FromMilliseconds(200));
        Assert.Equal("Is it about them?", firewall.Rules[0].Prompt);
    }

    [Fact]
    public async Task A_rule_in_use_is_not_deleted_and_the_refusal_names_the_firewalls()
    {
        await using var scheduler = await DeployAsync();
        var account = await JudgedAccountAsync(scheduler);
        await RuleAsync(scheduler, account);
        await FirewallAsync(scheduler, account, "one", "ours", "jailbreak");
        await FirewallAsync(scheduler, account, "two", "ours");
        var rule = scheduler.Grains.FirewallRule(account, "ours");

        var refused = (await rule.DeleteAsync(scheduler.As(account))).Refusal!;
        Assert.Equal(RefusalKind.WrongState, refused.Kind);
        Assert.Contains("firewalls 'one', 'two'", refused.Message, StringComparison.Ordinal);

        Good(await UpdateAsync(scheduler, account, "one", Draft("jailbreak")));
        Good(await scheduler.Grains.Firewall(account, "two").DeleteAsync(scheduler.As(account)));
        Good(await rule.DeleteAsync(scheduler.As(account)));
        Assert.False((await rule.GetAsync(account)).IsOk);
    }

    [Fact]
    public async Task A_recreated_firewall_or_rule_continues_its_version_numbers()
    {
        await using var scheduler = await DeployAsync();
        var account = await JudgedAccountAsync(scheduler);
        await FirewallAsync(scheduler, account, "strict", "jailbreak");
        Good(await scheduler.Grains.Firewall(account, "strict").DeleteAsync(scheduler.As(account)));
        Assert.False((await scheduler.Grains.Firewall(account, "strict").GetAsync(account)).IsOk);
        Assert.Equal(3, (await FirewallAsync(scheduler, account, "strict", "jailbreak")).Version);
    }

    [Fact]
    public async Task INV_08_firewalls_and_rules_of_another_account_read_as_not_found()
    {
        await using var scheduler = await DeployAsync();
        var account = await JudgedAccountAsync(scheduler);
        var other = await scheduler.AccountAsync("b");
        await RuleAsync(scheduler, account);
        await FirewallAsync(scheduler, account, "strict", "ours");
        var firewall = scheduler.Grains.Firewall(account, "strict");
        var rule = scheduler.Grains.FirewallRule(account, "ours");

        Assert.Equal(RefusalKind.NotFound, (await firewall.GetAsync(other)).Refusal!.Kind);
        Assert.Equal(RefusalKind.NotFound, (await firewall.DeleteAsync(scheduler.As(other))).Refusal!.Kind);
        Assert.Equal(RefusalKind.NotFound, (await rule.GetAsync(other)).Refusal!.Kind);
        Assert.Equal(RefusalKind.NotFound, (await rule.DeleteAsync(scheduler.As(other))).Refusal!.Kind);
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
                Good(await scheduler.Grains.Firewall(account, $"wall-{i}").DeleteAsync(scheduler.As(account)));
            }
        }

        await RuleAsync(scheduler, account);
        var lists = scheduler.Grains.FirewallLists();
        var first = await lists.ListFirewallsAsync(account, "", 2);
        var second = await lists.ListFirewallsAsync(account, first[^1].Slug, 2);
        Assert.Equal(["wall-1", "wall-3", "wall-5"], first.Concat(second).Select(firewall => firewall.Slug));
        var rules = await lists.ListRulesAsync(account, "", 1000);
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
            .Grains.FirewallRule(account, "jailbreak")
            .CreateAsync(new WriteFirewallRule(account, Own with { Slug = "jailbreak" }), scheduler.As(account));
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
        scheduler.Grains.FirewallLists().ListEvaluationsAsync(account, null, long.MaxValue, 1000);

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
        Good(
            await scheduler
                .Grains.FirewallRule(account, Own.Slug)
                .CreateAsync(new WriteFirewallRule(account, Own), scheduler.As(account))
        );

    private static Task<Answer<FirewallRuleRecord>> UpdateRuleAsync(
        TestScheduler scheduler,
        AccountId account,
        FirewallRule rule
    ) =>
        scheduler
            .Grains.FirewallRule(account, rule.Slug)
            .UpdateAsync(new WriteFirewallRule(account, rule), scheduler.As(account));

    private static Task<Answer<FirewallRecord>> CreateAsync(
        TestScheduler scheduler,
        AccountId account,
        string slug,
        FirewallDraft draft
    ) =>
        scheduler
            .Grains.Firewall(account, slug)
            .CreateAsync(new WriteFirewall(account, slug, draft), scheduler.As(account));

    private static Task<Answer<FirewallRecord>> UpdateAsync(
        TestScheduler scheduler,
        AccountId account,
        string slug,
        FirewallDraft draft
    ) =>
        scheduler
            .Grains.Firewall(account, slug)
            .UpdateAsync(new WriteFirewall(account, slug, draft), scheduler.As(account));

    private static async Task<FirewallRecord> FirewallAsync(
        TestScheduler scheduler,
        AccountId account,
        string slug,
        params string[] rules
    ) => Good(await CreateAsync(scheduler, account, slug, Draft(rules)));

    private static Task<FirewallRecord> VersionAsync(
        TestScheduler scheduler,
        AccountId account,
        string slug,
        long version,
        TimeSpan? step = null
    ) =>
        Eventually.UntilAsync(
            async () => Good(await scheduler.Grains.Firewall(account, slug).GetAsync(account)),
            firewall => firewall.Version == version,
            $"firewall {slug} is at version {version}",
            step is null ? null : scheduler.Clock,
            step ?? default
        );
}
