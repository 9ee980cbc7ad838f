using Scheduler.Domain.Failures;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Instances;
using Scheduler.DomainTests.Firewalls;
using Scheduler.Inference.Firewalls;
using Scheduler.Inference.Upstream;
using Xunit;

namespace Scheduler.UnitTests.Inference.Firewalls;

public sealed class FirewallGateTests
{
    private const string Prompt = "tell me hunter2";

    public static TheoryData<string> WaysToBeDown() =>
        [
            "not found",
            "not running",
            "timed out",
            "failed",
            "silent",
            "silent, then silent",
            "empty",
            "prose",
            "an answer without its marker",
            "too few answers",
            "a hundred kilobytes",
            "half an answer",
        ];

    [Theory]
    [MemberData(nameof(WaysToBeDown))]
    public async Task In_block_mode_nothing_reaches_the_model_while_the_judge_is_down_slow_or_babbling_INV_10(
        string way
    )
    {
        await using var world = new GateWorld();
        world.Judge.Add("strict", FirewallMode.Block);
        world.Judge.Script = (question, _, cancelled) => Down(way, question, cancelled);

        var verdict = await world.SendAsync(Prompt, "strict");

        Assert.Equal(FailureCode.JudgeUnreachable, verdict.Refusal!.Code);
        Assert.Empty(world.Model);
        await GateWorld.UntilAsync(() => world.Judge.UnderWay == 0);
        var noted = Assert.Single(world.Judge.Evaluations);
        Assert.Equal((FirewallDecision.Unjudged, FailureCode.JudgeUnreachable), (noted.Decision, noted.Code));
        AssertSaysNothing(verdict.Refusal);
    }

    [Theory]
    [MemberData(nameof(WaysToBeDown))]
    public async Task That_a_judge_said_nothing_is_never_remembered(string way)
    {
        await using var world = new GateWorld();
        world.Judge.Add("strict", FirewallMode.Block);
        world.Judge.Script = (question, _, cancelled) => Down(way, question, cancelled);
        await world.SendAsync(Prompt, "strict");

        world.Judge.Script = (question, _, _) => ScriptedJudge.Say(question, "false");

        Assert.Null((await world.SendAsync(Prompt, "strict")).Refusal);
        Assert.Equal([Prompt], world.Model);
    }

    [Theory]
    [MemberData(nameof(JudgeAttacks.Names), MemberType = typeof(JudgeAttacks))]
    public async Task No_attack_reaches_the_model_past_the_most_gullible_judge_INV_10(string attack)
    {
        await using var world = new GateWorld();
        var firewall = world.Judge.Add("strict", FirewallMode.Block);
        world.Judge.Script = (question, _, _) =>
            Task.FromResult(
                new ChatReply(GullibleJudge.AnswerTo(question.User, firewall.Rules.Length), ChatFault.None, "")
            );

        var parts = JudgeAttacks.Text(attack).Parts;
        await world.SendAsync([.. parts.Select(part => new PromptPart(part.Role, part.Text))], "strict");

        Assert.Empty(world.Model);
    }

    [Fact]
    public async Task A_match_is_refused_with_the_matched_slugs_in_the_firewalls_order()
    {
        await using var world = new GateWorld();
        world.Judge.Add("strict", FirewallMode.Block, "malware", "jailbreak", "credentials");
        world.Judge.Script = (question, _, _) => ScriptedJudge.Say(question, "true", "false", "true");

        var verdict = await world.SendAsync(Prompt, "strict");

        Assert.Equal(FailureCode.FirewallBlocked, verdict.Refusal!.Code);
        Assert.Equal("malware,credentials", verdict.Refusal.Details["rules"]);
        Assert.Equal("strict", verdict.Refusal.Details["firewall"]);
        Assert.Empty(world.Model);
        Assert.Equal(["malware", "credentials"], Assert.Single(world.Judge.Evaluations).Matched);
        AssertSaysNothing(verdict.Refusal);
    }

    [Fact]
    public async Task A_firewall_that_is_not_there_refuses_before_any_judge_is_asked_INV_10()
    {
        await using var world = new GateWorld();
        world.Judge.Add("strict", FirewallMode.Block);

        var verdict = await world.SendAsync(Prompt, "strict", "gone");

        Assert.Equal(FailureCode.JudgeUnreachable, verdict.Refusal!.Code);
        Assert.Equal("NO_FIREWALL", verdict.Refusal.Details["why"]);
        Assert.Empty(world.Judge.Asked);
        Assert.Empty(world.Model);
    }

    [Fact]
    public async Task A_text_too_long_for_any_judge_is_refused_and_not_judged_in_part()
    {
        await using var world = new GateWorld();
        world.Judge.Add("strict", FirewallMode.Block);

        var verdict = await world.SendAsync(new string('a', JudgedText.LongestLength), "strict");

        Assert.Equal("TOO_LONG", verdict.Refusal!.Details["why"]);
        Assert.Empty(world.Judge.Asked);
    }

    [Fact]
    public async Task What_is_no_text_does_not_pass_in_block_mode_and_is_told_apart_in_others_INV_10()
    {
        await using var world = new GateWorld();
        world.Judge.Add("strict", FirewallMode.Block);
        world.Judge.Add("lenient", FirewallMode.Allow);

        var blocked = await world.SendAsync([new("user", "look"), new("user", "image_url", IsText: false)], "strict");
        Assert.Equal("NOT_TEXT", blocked.Refusal!.Details["why"]);
        Assert.Empty(world.Judge.Asked);
        Assert.Empty(world.Model);

        var told = await world.SendAsync([new("user", "look"), new("user", "image_url", IsText: false)], "lenient");
        Assert.Null(told.Refusal);
        Assert.Contains("image_url", Assert.Single(world.Judge.Asked).Question.User, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_refusal_says_where_the_judge_stands_and_how_to_start_it()
    {
        await using var world = new GateWorld();
        world.Judge.Add("strict", FirewallMode.Block);
        world.Judge.Instance = world.Judge.Instance! with { State = InstanceState.Stopped };
        world.Judge.Script = (_, _, _) => ScriptedJudge.Fail(ChatFault.NotRunning);

        var refusal = (await world.SendAsync(Prompt, "strict")).Refusal!;

        Assert.Equal("STOPPED", refusal.Details["judge_state"]);
        Assert.Contains("POST /v1/accounts/acct-a/instances/i-judge:start", refusal.Hint, StringComparison.Ordinal);
        Assert.Contains("audit mode", refusal.Hint, StringComparison.Ordinal);
        Assert.Single(world.Judge.Asked);
    }

    [Fact]
    public async Task All_firewalls_of_a_request_apply_and_an_allowing_one_weakens_none()
    {
        await using var world = new GateWorld();
        world.Judge.Add("lenient", FirewallMode.Allow, "jailbreak");
        world.Judge.Add("strict", FirewallMode.Block, "credentials");
        world.Judge.Script = (question, _, _) => ScriptedJudge.Say(question, "true");

        var verdict = await world.SendAsync(Prompt, "lenient", "strict");

        Assert.Equal("credentials", verdict.Refusal!.Details["rules"]);
        Assert.Equal(["jailbreak"], verdict.Matched);
        Assert.Empty(world.Model);
    }

    [Fact]
    public async Task Allow_tells_what_matched_and_lets_pass_also_without_a_verdict()
    {
        await using var world = new GateWorld();
        world.Judge.Add("lenient", FirewallMode.Allow);
        world.Judge.Script = (question, _, _) => ScriptedJudge.Say(question, "false", "true");
        var matched = await world.SendAsync(Prompt, "lenient");
        world.Judge.Script = (_, _, _) => ScriptedJudge.Fail(ChatFault.NotRunning);
        var unjudged = await world.SendAsync("another", "lenient");

        Assert.Equal((null, "credentials"), (matched.Refusal, string.Join(',', matched.Matched)));
        Assert.Equal((null, ""), (unjudged.Refusal, string.Join(',', unjudged.Matched)));
        Assert.Equal([Prompt, "another"], world.Model);
        Assert.All(world.Judge.Evaluations, noted => Assert.Equal(FailureCode.None, noted.Code));
    }

    [Fact]
    public async Task All_rules_of_a_firewall_are_one_call_of_its_judge()
    {
        await using var world = new GateWorld();
        var firewall = world.Judge.Add("strict", FirewallMode.Block, [.. ShippedRules.All.Select(rule => rule.Slug)]);

        await world.SendAsync(Prompt, "strict");

        var (judge, question) = Assert.Single(world.Judge.Asked);
        Assert.Equal("judge", judge);
        Assert.All(firewall.Rules, rule => Assert.Contains(rule.Prompt, question.System, StringComparison.Ordinal));
        Assert.Contains(Prompt, question.User, StringComparison.Ordinal);
        Assert.DoesNotContain(Prompt, question.System, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Audit_neither_waits_for_its_judge_nor_fails_with_it()
    {
        await using var world = new GateWorld();
        await world.StartAuditsAsync();
        world.Judge.Add("watch", FirewallMode.Audit);
        var answer = new TaskCompletionSource<ChatReply>(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Judge.Script = (_, _, _) => answer.Task;

        var before = world.Clock.GetUtcNow();
        Assert.Null((await world.SendAsync(Prompt, "watch")).Refusal);

        Assert.Equal([Prompt], world.Model);
        Assert.Empty(world.Judge.Evaluations);
        Assert.Equal(before, world.Clock.GetUtcNow());
        await GateWorld.UntilAsync(() => !world.Judge.Asked.IsEmpty);
        answer.SetResult(await ScriptedJudge.Say(world.Judge.Asked.First().Question, "true"));
        await GateWorld.UntilAsync(() => !world.Judge.Evaluations.IsEmpty);
        var noted = Assert.Single(world.Judge.Evaluations);
        Assert.Equal(
            (FirewallDecision.Match, FirewallMode.Audit, FailureCode.None),
            (noted.Decision, noted.Mode, noted.Code)
        );
    }

    [Fact]
    public async Task Audits_that_do_not_fit_are_recorded_as_not_judged_and_the_request_goes_on()
    {
        await using var world = new GateWorld(options => options.AuditsWaiting = 2);
        world.Judge.Add("watch", FirewallMode.Audit);

        for (var i = 0; i < 5; i++)
        {
            Assert.Null((await world.SendAsync($"{Prompt} {i}", "watch")).Refusal);
        }

        Assert.Equal(5, world.Model.Count);
        Assert.Equal(
            [JudgeFault.Busy, JudgeFault.Busy, JudgeFault.Busy],
            world.Judge.Evaluations.Select(noted => noted.Fault!.Value)
        );
    }

    [Fact]
    public async Task Audits_are_bounded_by_the_length_of_what_waits_too()
    {
        await using var world = new GateWorld(options => options.AuditCharactersWaiting = 1_000_000);
        world.Judge.Add("watch", FirewallMode.Audit);
        foreach (var _ in Enumerable.Range(0, 4))
        {
            await world.SendAsync(new string('a', 300_000), "watch");
        }

        Assert.Equal(JudgeFault.Busy, Assert.Single(world.Judge.Evaluations).Fault);
    }

    [Fact]
    public async Task The_same_text_under_the_same_version_is_asked_once()
    {
        await using var world = new GateWorld();
        world.Judge.Add("strict", FirewallMode.Block);
        await world.SendAsync(Prompt, "strict");
        await world.SendAsync(Prompt, "strict");
        Assert.Single(world.Judge.Asked);
        Assert.Equal([false, true], world.Judge.Evaluations.Select(noted => noted.Remembered));

        await world.SendAsync(Prompt + ".", "strict");
        Assert.Equal(2, world.Judge.Asked.Count);
    }

    [Fact]
    public async Task A_change_of_a_rule_asks_again_because_it_is_a_new_version()
    {
        await using var world = new GateWorld();
        var firewall = world.Judge.Add("strict", FirewallMode.Block);
        await world.SendAsync(Prompt, "strict");
        world.Judge.Script = (question, _, _) => ScriptedJudge.Say(question, "true");
        world.Judge.Firewalls["strict"] = firewall with
        {
            Version = 2,
            Rules = [firewall.Rules[0] with { Prompt = "Is it stricter now?" }, firewall.Rules[1]],
        };

        Assert.Equal(FailureCode.FirewallBlocked, (await world.SendAsync(Prompt, "strict")).Refusal!.Code);
        Assert.Equal(2, world.Judge.Asked.Count);
        Assert.Contains("Is it stricter now?", world.Judge.Asked.Last().Question.System, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_firewalls_share_no_verdict_and_neither_do_two_judges()
    {
        await using var world = new GateWorld();
        var one = world.Judge.Add("one", FirewallMode.Block);
        world.Judge.Add("two", FirewallMode.Block);
        await world.SendAsync(Prompt, "one");
        await world.SendAsync(Prompt, "two");
        world.Judge.Firewalls["one"] = one with { Draft = one.Draft! with { Judge = "other" } };
        await world.SendAsync(Prompt, "one");
        Assert.Equal(["judge", "judge", "other"], world.Judge.Asked.Select(asked => asked.Judge));
    }

    [Fact]
    public async Task A_remembered_verdict_is_forgotten_in_time()
    {
        await using var world = new GateWorld(options => options.RememberedSeconds = 60);
        world.Judge.Add("strict", FirewallMode.Block);
        await world.SendAsync(Prompt, "strict");
        world.Clock.Advance(TimeSpan.FromSeconds(60));
        await world.SendAsync(Prompt, "strict");
        Assert.Equal(2, world.Judge.Asked.Count);
    }

    [Fact]
    public async Task Evaluations_keep_no_word_of_the_prompt_unless_the_firewall_says_so_INV_13()
    {
        await using var world = new GateWorld();
        var firewall = world.Judge.Add("strict", FirewallMode.Block);
        await world.SendAsync(Prompt, "strict");
        world.Judge.Firewalls["strict"] = firewall with { Draft = firewall.Draft! with { KeepPrompt = true } };
        await world.SendAsync(Prompt + new string('a', 3_000), "strict");

        var (without, with) = (world.Judge.Evaluations.First(), world.Judge.Evaluations.Last());
        Assert.DoesNotContain("hunter2", without.ToString(), StringComparison.Ordinal);
        Assert.StartsWith("user: tell me hunter2", with.Prompt, StringComparison.Ordinal);
        Assert.Equal(FirewallEvaluation.LongestPrompt, with.Prompt!.Length);
    }

    [Fact]
    public async Task A_client_that_leaves_ends_the_judges_work_and_leaves_no_record()
    {
        await using var world = new GateWorld();
        world.Judge.Add("strict", FirewallMode.Block);
        world.Judge.Script = (_, _, cancelled) => ScriptedJudge.Silence(cancelled);
        using var client = new CancellationTokenSource();
        var asked = world.Desk.AskAsync(
            world.Judge.Firewalls["strict"],
            new JudgedText(new JudgedPart("user", Prompt)),
            client.Token
        );
        await client.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => asked);
        await GateWorld.UntilAsync(() => world.Judge.UnderWay == 0);
        Assert.Empty(world.Judge.Evaluations);
    }

    private static async Task<ChatReply> Down(string way, ChatQuestion question, CancellationToken cancellationToken)
    {
        var good = ScriptedJudge.AnswerTo(question, "false");
        return way switch
        {
            "not found" => await ScriptedJudge.Fail(ChatFault.NotFound),
            "not running" => await ScriptedJudge.Fail(ChatFault.NotRunning),
            "timed out" => await ScriptedJudge.Fail(ChatFault.TimedOut),
            "failed" => await ScriptedJudge.Fail(ChatFault.Failed),
            "silent" or "silent, then silent" => await ScriptedJudge.Silence(cancellationToken),
            "empty" => new ChatReply("", ChatFault.None, ""),
            "prose" => new ChatReply("None of this is harmful: false, false.", ChatFault.None, ""),
            "an answer without its marker" => new ChatReply("""{"1":false,"2":false}""", ChatFault.None, ""),
            "too few answers" => new ChatReply(
                good.Replace(",\"2\":false", "", StringComparison.Ordinal),
                ChatFault.None,
                ""
            ),
            "a hundred kilobytes" => new ChatReply(good + new string(' ', 100_000), ChatFault.None, ""),
            "half an answer" => new ChatReply(good[..^1], ChatFault.None, ""),
            _ => throw new ArgumentOutOfRangeException(nameof(way)),
        };
    }

    private static void AssertSaysNothing(Failure refusal)
    {
        Assert.DoesNotContain("hunter2", refusal.Message + refusal.Hint, StringComparison.Ordinal);
        Assert.All(refusal.Details.Values, value => Assert.DoesNotContain("hunter2", value, StringComparison.Ordinal));
    }
}
