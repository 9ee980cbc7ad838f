using Scheduler.Domain.Failures;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Instances;
using Scheduler.DomainTests.Firewalls;
using Scheduler.Inference.Firewalls;
using Scheduler.Inference.Guard;
using Scheduler.Inference.Upstream;
using Scheduler.UnitTests.Inference.Guard;
using Xunit;

namespace Scheduler.UnitTests.Inference.Firewalls;

public sealed class FirewallGateTests
{
    private const string Prompt = "tell me hunter2";

    public static TheoryData<string> JudgeFailures() =>
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
    [MemberData(nameof(JudgeFailures))]
    public async Task In_block_mode_no_prompt_reaches_the_model_without_a_valid_verdict_INV_10(string way)
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
    [MemberData(nameof(JudgeFailures))]
    public async Task A_missing_verdict_is_never_cached(string way)
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
    public async Task No_attack_reaches_the_model_through_the_most_gullible_judge_INV_10(string attack)
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
    public async Task A_match_is_refused_with_the_matched_slugs_in_firewall_order()
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
    public async Task A_missing_firewall_refuses_before_any_judge_call_INV_10()
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
    public async Task A_text_too_long_for_a_judge_is_refused_without_a_judge_call()
    {
        await using var world = new GateWorld();
        world.Judge.Add("strict", FirewallMode.Block);

        var verdict = await world.SendAsync(new string('a', JudgeInput.LongestLength), "strict");

        Assert.Equal("TOO_LONG", verdict.Refusal!.Details["why"]);
        Assert.Empty(world.Judge.Asked);
    }

    [Fact]
    public async Task Block_mode_refuses_parts_without_text_and_allow_mode_marks_them_INV_10()
    {
        await using var world = new GateWorld();
        world.Judge.Add("strict", FirewallMode.Block);
        world.Judge.Add("lenient", FirewallMode.Allow);

        var blocked = await world.SendAsync([new("user", "look"), new("user", "image_url", PartKind.Media)], "strict");
        Assert.Equal("NOT_TEXT", blocked.Refusal!.Details["why"]);
        Assert.Empty(world.Judge.Asked);
        Assert.Empty(world.Model);

        var allowed = await world.SendAsync([new("user", "look"), new("user", "image_url", PartKind.Media)], "lenient");
        Assert.Null(allowed.Refusal);
        Assert.Contains("image_url", Assert.Single(world.Judge.Asked).Question.User, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Audit_and_allow_mode_record_no_pass_for_what_the_judge_did_not_see()
    {
        await using var world = new GateWorld();
        await world.StartAuditsAsync();
        world.Judge.Add("watch", FirewallMode.Audit);
        world.Judge.Add("lenient", FirewallMode.Allow);

        var verdict = await world.SendAsync(
            [new("user", "look"), new("user", "image_url", PartKind.Media)],
            "watch",
            "lenient"
        );

        Assert.True(verdict.IsPass);
        await GateWorld.UntilAsync(() => world.Judge.Evaluations.Count == 2);
        Assert.All(
            world.Judge.Evaluations,
            noted => Assert.Equal((FirewallDecision.Unjudged, JudgeFault.NotText), (noted.Decision, noted.Fault!.Value))
        );
    }

    [Fact]
    public async Task A_match_in_the_visible_part_is_recorded_as_a_match()
    {
        await using var world = new GateWorld();
        world.Judge.Add("lenient", FirewallMode.Allow);
        world.Judge.Script = (question, _, _) => ScriptedJudge.Say(question, "true");

        await world.SendAsync([new("user", "look"), new("user", "image_url", PartKind.Media)], "lenient");

        Assert.Equal(FirewallDecision.Match, Assert.Single(world.Judge.Evaluations).Decision);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Only_a_judge_that_reads_images_is_shown_an_image_INV_10(bool sees)
    {
        await using var world = new GateWorld();
        var firewall = world.Judge.Add("strict", FirewallMode.Block);
        world.Judge.Firewalls["strict"] = firewall with { Draft = firewall.Draft! with { JudgeSeesImages = sees } };
        const string image = "data:image/png;base64,AAAA";

        var verdict = await world.SendAsync(
            [new("user", "look"), new("user", "image", PartKind.Image) { Image = image }],
            "strict"
        );

        Assert.Equal(sees, verdict.IsPass);
        Assert.Equal(sees ? [image] : [], world.Judge.Asked.SelectMany(asked => asked.Question.Images));
    }

    [Theory]
    [InlineData("the text of the ids", true)]
    [InlineData(null, false)]
    public async Task Token_ids_pass_only_with_the_text_that_the_runtime_tells_INV_10(string? text, bool passes)
    {
        await using var world = new GateWorld();
        world.Judge.Add("strict", FirewallMode.Block);
        var reading = Readings.Of(new PromptPart("user", "token ids", PartKind.Ids)) with { Ids = [73, 74] };

        var verdict = await world.SendAsync(reading, _ => Task.FromResult(text), "strict");

        Assert.Equal(passes, verdict.IsPass);
        Assert.Equal(passes ? 1 : 0, world.Judge.Asked.Count(asked => asked.Question.User.Contains(text!)));
    }

    [Theory]
    [InlineData(UnknownMembers.Refuse, FirewallMode.Block, false)]
    [InlineData(UnknownMembers.Drop, FirewallMode.Block, true)]
    [InlineData(UnknownMembers.Refuse, FirewallMode.Audit, true)]
    [InlineData(UnknownMembers.Refuse, FirewallMode.Allow, true)]
    public async Task Unknown_members_are_refused_in_block_mode_unless_the_setting_drops_them(
        object unknown,
        FirewallMode mode,
        bool passes
    )
    {
        await using var world = new GateWorld(options => options.UnknownMembers = (UnknownMembers)unknown);
        world.Judge.Add("one", mode);
        var reading = Readings.Of(new PromptPart("user", "hi")) with { Unknown = [new("secret_prompt", "Unknown.")] };

        var verdict = await world.SendAsync(reading, null, "one");

        Assert.Equal((passes, mode == FirewallMode.Block && passes), (verdict.IsPass, verdict.IsGuarded));
        Assert.Equal(passes ? [] : ["secret_prompt"], verdict.Faults.Select(fault => fault.Field));
    }

    [Fact]
    public async Task The_refusal_contains_the_state_of_the_judge_and_how_to_start_it()
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
    public async Task All_firewalls_of_a_request_apply_and_allow_mode_weakens_no_other()
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
    public async Task Allow_mode_reports_matches_and_passes_prompts_without_a_verdict_too()
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
    public async Task One_judge_call_covers_all_rules_of_a_firewall()
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
    public async Task Audit_mode_neither_waits_for_the_judge_nor_fails_with_it()
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
    public async Task Audits_over_the_queue_limit_are_recorded_as_unjudged_and_the_request_passes()
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
    public async Task Waiting_audits_are_also_limited_by_their_total_text_length()
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
    public async Task A_verdict_is_cached_for_the_same_text_and_firewall_version()
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
    public async Task A_changed_rule_makes_a_new_version_and_asks_the_judge_again()
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
    public async Task Verdicts_are_not_shared_between_firewalls_or_judges()
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
    public async Task A_cached_verdict_expires()
    {
        await using var world = new GateWorld(options => options.RememberedSeconds = 60);
        world.Judge.Add("strict", FirewallMode.Block);
        await world.SendAsync(Prompt, "strict");
        world.Clock.Advance(TimeSpan.FromSeconds(60));
        await world.SendAsync(Prompt, "strict");
        Assert.Equal(2, world.Judge.Asked.Count);
    }

    [Fact]
    public async Task Evaluations_store_the_prompt_only_if_the_firewall_keeps_it_INV_13()
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
    public async Task A_cancelled_request_cancels_the_judge_call_and_records_nothing()
    {
        await using var world = new GateWorld();
        world.Judge.Add("strict", FirewallMode.Block);
        world.Judge.Script = (_, _, cancelled) => ScriptedJudge.Silence(cancelled);
        using var client = new CancellationTokenSource();
        var asked = world.Desk.AskAsync(
            world.Judge.Firewalls["strict"],
            new JudgeInput(new JudgeInputPart("user", Prompt)),
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
