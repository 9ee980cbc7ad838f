using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.Grains.Firewalls;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Inference.Firewalls;

/// <summary>Firewalls through the whole gateway, over HTTP to a judge and a model on real ports.</summary>
public sealed class FirewallGatewayTests
{
    private const string Path = "/v1/chat/completions";
    private const string Chat =
        """{"model":"chat","messages":[{"role":"user","content":"WORDS"}],"firewall":"strict"}""";

    private int _reachedModel;

    [Fact]
    public async Task A_passed_prompt_is_served_and_a_match_is_refused_with_the_rule_slugs()
    {
        await using var gateway = await OpenAsync(FirewallMode.Block, YesTo("trip"));
        using (var passed = await gateway.PostAsync(Path, Say("hello")))
        {
            Assert.Equal(HttpStatusCode.OK, passed.StatusCode);
        }

        var (status, error) = await gateway.RefusedAsync(Path, Say("trip now"));

        Assert.Equal((403, "FIREWALL_BLOCKED"), (status, error.GetProperty("code").GetString()));
        Assert.Contains("jailbreak, credentials", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.DoesNotContain("trip", error.GetRawText(), StringComparison.Ordinal);
        Assert.Equal(1, _reachedModel);
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("stopped")]
    [InlineData("failing")]
    [InlineData("babbling")]
    [InlineData("silent")]
    [InlineData("breaking off")]
    [InlineData("endless")]
    public async Task In_block_mode_no_byte_reaches_the_model_without_a_verdict_INV_10(string way)
    {
        await using var gateway = await OpenAsync(
            FirewallMode.Block,
            context => DownAsync(way, context),
            isThere: way is not "missing"
        );
        if (way is "stopped")
        {
            var judge = (FakeInstance)gateway.Cluster.Instance(new InstanceId("i-judge"));
            judge.Put(judge.Record with { State = InstanceState.Stopped });
        }

        var (status, error) = await gateway.RefusedAsync(Path, Say("hello"));

        Assert.Equal((503, "JUDGE_UNREACHABLE"), (status, error.GetProperty("code").GetString()));
        Assert.Contains("audit mode", error.GetProperty("hint").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, _reachedModel);
    }

    [Fact]
    public async Task An_unknown_firewall_lets_no_request_through_INV_10()
    {
        await using var gateway = await OpenAsync(FirewallMode.Block, YesTo("trip"));
        var (status, error) = await gateway.RefusedAsync(
            Path,
            Say("hello").Replace("strict", "../../x", StringComparison.Ordinal)
        );
        Assert.Equal((404, "FIREWALL_NOT_FOUND"), (status, error.GetProperty("code").GetString()));
        Assert.Contains("'../../x'", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(0, _reachedModel);
    }

    [Fact]
    public async Task In_audit_mode_a_request_does_not_wait_for_the_judge()
    {
        var asked = new TaskCompletionSource();
        var answered = new TaskCompletionSource();
        await using var gateway = await OpenAsync(
            FirewallMode.Audit,
            async context =>
            {
                asked.TrySetResult();
                await answered.Task.WaitAsync(context.RequestAborted);
            },
            deadline: TimeSpan.FromSeconds(30)
        );
        using var answer = await gateway.PostAsync(Path, Say("hello"));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await asked.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        answered.SetResult();
    }

    [Fact]
    public async Task Allow_mode_returns_the_matched_rules_in_a_header()
    {
        await using var gateway = await OpenAsync(FirewallMode.Allow, YesTo("trip"));
        using var answer = await gateway.PostAsync(Path, Say("trip"));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(
            "jailbreak,credentials",
            string.Join(',', answer.Headers.GetValues("X-Firewall-Matched")).Replace(" ", "", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task A_firewall_update_applies_to_later_requests()
    {
        await using var gateway = await OpenAsync(FirewallMode.Audit, YesTo("trip"));
        using (var before = await gateway.PostAsync(Path, Say("trip")))
        {
            Assert.Equal(HttpStatusCode.OK, before.StatusCode);
        }

        var grain = gateway.Cluster.Firewalls(GatewayFixture.Account);
        var present = (await grain.GetAsync("strict", null)).Value!;
        await grain.UpdateAsync(
            "strict",
            present.Draft! with
            {
                Mode = FirewallMode.Block,
            },
            null,
            new CommandContext(new RequestId("req-1"), "test", null)
        );
        await GateWorld.UntilAsync(() =>
        {
            using var after = gateway.PostAsync(Path, Say("trip")).GetAwaiter().GetResult();
            return after.StatusCode == HttpStatusCode.Forbidden;
        });
    }

    [Fact]
    public async Task The_decision_is_recorded_after_the_request()
    {
        await using var gateway = await OpenAsync(FirewallMode.Block, YesTo("trip"));
        await gateway.RefusedAsync(Path, Say("trip"));
        var log = (FakeEvaluations)gateway.Cluster.Evaluations(GatewayFixture.Account);
        await GateWorld.UntilAsync(() => !log.Recorded.IsEmpty);
        var one = Assert.Single(log.Recorded);
        Assert.Equal((FirewallDecision.Match, "strict", "judge"), (one.Decision, one.Firewall, one.Judge));
        Assert.Null(one.Prompt);
    }

    [Fact]
    public async Task Evaluate_asks_the_same_judge_and_sends_nothing_to_the_model()
    {
        await using var gateway = await OpenAsync(FirewallMode.Block, YesTo("trip"));
        using var answer = await gateway.PostAsync(
            "/v1/accounts/acct-a/firewalls/strict:evaluate",
            """{"text":"trip"}"""
        );
        var tried = JsonDocument
            .Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken))
            .RootElement;
        Assert.Equal("FIREWALL_DECISION_MATCH", tried.GetProperty("decision").GetString());
        Assert.Equal("RUNNING", tried.GetProperty("judgeState").GetString());
        Assert.Equal("accounts/acct-a/instances/i-judge", tried.GetProperty("judge").GetString());
        Assert.Equal("FIREWALL_BLOCKED", tried.GetProperty("refusal").GetProperty("code").GetString());
        Assert.Equal(
            ["jailbreak", "credentials"],
            tried
                .GetProperty("answers")
                .EnumerateArray()
                .Where(one => one.GetProperty("matched").GetBoolean())
                .Select(one => one.GetProperty("rule").GetString())
        );
        Assert.Equal(0, _reachedModel);
    }

    private static string Say(string words) => Chat.Replace("WORDS", words, StringComparison.Ordinal);

    private async Task<GatewayFixture> OpenAsync(
        FirewallMode mode,
        RequestDelegate judge,
        bool isThere = true,
        TimeSpan? deadline = null
    )
    {
        var gateway = await GatewayFixture.StartAsync();
        await gateway
            .Cluster.Account(GatewayFixture.Account)
            .CreateAsync(new("", TimeSpan.Zero), new(default, "test", null));
        if (isThere)
        {
            await gateway.ServeAsync("judge", judge);
        }

        await gateway.ServeAsync(
            "chat",
            async context =>
            {
                Interlocked.Increment(ref _reachedModel);
                await AnswerAsync(context, "fine");
            }
        );
        await gateway
            .Cluster.Firewalls(GatewayFixture.Account)
            .CreateAsync(
                "strict",
                new FirewallDraft
                {
                    Mode = mode,
                    Judge = "judge",
                    Rules = ["jailbreak", "credentials"],
                    JudgeDeadline = deadline ?? TimeSpan.FromSeconds(1),
                },
                new CommandContext(new RequestId("req-0"), "test", null)
            );
        return gateway;
    }

    /// <summary>A judge that follows the schema and matches every text that contains a word.</summary>
    private static RequestDelegate YesTo(string word) =>
        async context =>
        {
            var body = await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
            var says = body!["messages"]![1]!["content"]!.GetValue<string>().Contains(word, StringComparison.Ordinal);
            var properties = body["response_format"]!["json_schema"]!["schema"]!["properties"]!.AsObject();
            var answer = new JsonObject();
            foreach (var (name, property) in properties)
            {
                answer[name] = property!["enum"]?[0]?.DeepClone() ?? says;
            }

            await AnswerAsync(context, answer.ToJsonString());
        };

    private static async Task DownAsync(string way, HttpContext context)
    {
        switch (way)
        {
            case "failing":
                context.Response.StatusCode = 500;
                return;
            case "silent":
                await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted);
                return;
            case "breaking off":
                context.Abort();
                return;
            case "endless":
                await context.Response.WriteAsync("{\"choices\":[{\"message\":{\"content\":\"", context.RequestAborted);
                while (!context.RequestAborted.IsCancellationRequested)
                {
                    await context.Response.WriteAsync(new string('a', 10_000), context.RequestAborted);
                }

                return;
            default:
                await AnswerAsync(context, "I would rather not say.");
                return;
        }
    }

    private static Task AnswerAsync(HttpContext context, string text)
    {
        context.Response.ContentType = "application/json";
        var answer = new JsonObject
        {
            ["choices"] = new JsonArray(
                new JsonObject
                {
                    ["index"] = 0,
                    ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = text },
                }
            ),
        };
        return context.Response.WriteAsync(answer.ToJsonString(), context.RequestAborted);
    }
}
