using System.Text.Json.Nodes;
using Scheduler.UnitTests.Inference.Guard;
using Xunit;

namespace Scheduler.UnitTests.Inference.Dialects;

/// <summary>Firewalls in front of dialects: a runtime gets what the judge saw (INV-10).</summary>
public sealed class DialectGuardTests(GuardedGateway world) : IClassFixture<GuardedGateway>
{
    private const string Messages = "/v1/messages";
    private const string Count = "/v1/messages/count_tokens";
    private const string Responses = "/v1/responses";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Each hides the word FORBIDDEN at a place that a model reads.</summary>
    public static TheoryData<string, string> Hidden() =>
        new()
        {
            { Messages, """{"system":"FORBIDDEN","messages":[]}""" },
            { Messages, """{"system":[{"type":"text","text":"FORBIDDEN"}],"messages":[]}""" },
            { Messages, """{"messages":[{"role":"user","content":"FORBIDDEN"}]}""" },
            { Messages, """{"messages":[{"role":"user","content":[{"type":"text","text":"FORBIDDEN"}]}]}""" },
            { Messages, """{"messages":[{"role":"assistant","content":"FORBIDDEN"}]}""" },
            {
                Messages,
                """{"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"FORBIDDEN","signature":""}]}]}"""
            },
            {
                Messages,
                """{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"b","input":{"FORBIDDEN":1}}]}]}"""
            },
            {
                Messages,
                """{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"FORBIDDEN"}]}]}"""
            },
            {
                Messages,
                """{"messages":[{"role":"user","content":[{"type":"document","title":"FORBIDDEN","source":{"type":"text","data":"x"}}]}]}"""
            },
            {
                Messages,
                """{"messages":[],"tools":[{"name":"t","description":"FORBIDDEN","input_schema":{"type":"object"}}]}"""
            },
            {
                Messages,
                """{"messages":[],"tools":[{"name":"t","input_schema":{"type":"object","properties":{"FORBIDDEN":{}}}}]}"""
            },
            { Messages, """{"messages":[],"stop_sequences":["FORBIDDEN"]}""" },
            { Messages, """{"messages":[],"chat_template_kwargs":{"x":"FORBIDDEN"}}""" },
            { Count, """{"messages":[{"role":"user","content":"FORBIDDEN"}]}""" },
            { Responses, """{"input":"FORBIDDEN"}""" },
            { Responses, """{"input":"hi","instructions":"FORBIDDEN"}""" },
            { Responses, """{"input":[{"role":"developer","content":"FORBIDDEN"}]}""" },
            { Responses, """{"input":[{"type":"function_call_output","call_id":"a","output":"FORBIDDEN"}]}""" },
            { Responses, """{"input":[{"type":"custom_tool_call","call_id":"a","name":"b","input":"FORBIDDEN"}]}""" },
            {
                Responses,
                """{"input":[{"type":"function_call","call_id":"a","name":"b","arguments":"{\"x\":\"FORBIDDEN\"}"}]}"""
            },
            {
                Responses,
                """{"input":[{"type":"reasoning","summary":[{"type":"summary_text","text":"FORBIDDEN"}]}]}"""
            },
            { Responses, """{"input":"hi","tools":[{"type":"function","name":"FORBIDDEN","parameters":{}}]}""" },
            {
                Responses,
                """{"input":"hi","tools":[{"type":"custom","name":"t","format":{"type":"grammar","definition":"FORBIDDEN"}}]}"""
            },
            {
                Responses,
                """{"input":"hi","text":{"format":{"type":"json_schema","name":"n","schema":{"const":"FORBIDDEN"}}}}"""
            },
        };

    [Theory]
    [MemberData(nameof(Hidden))]
    public async Task What_a_model_would_read_is_judged(string path, string body)
    {
        using var response = await world.SendAsync(path, WithModel(body));

        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(Ct))!;
        Assert.Equal("FIREWALL_BLOCKED", (string?)answer["error"]!["code"]);
        Assert.Empty(world.Received);
        Assert.Empty(world.Tokenized);
    }

    [Theory]
    [InlineData(Messages, Traffic.ClaudeCode)]
    [InlineData(Responses, Traffic.Codex)]
    public async Task Content_that_the_judge_cannot_see_is_refused(string path, string body)
    {
        using var response = await world.SendAsync(path, WithModel(body));

        Assert.Equal(503, (int)response.StatusCode);
        Assert.Empty(world.Received);
    }

    [Theory]
    [InlineData(Messages, """{"messages":[{"role":"user","content":"Hi"}],"metadata":{"user_id":"FORBIDDEN"}}""")]
    [InlineData(Responses, """{"input":"Hi","metadata":{"a":"FORBIDDEN"},"safety_identifier":"FORBIDDEN"}""")]
    public async Task Behind_a_firewall_a_runtime_gets_the_judged_chat_and_never_the_own_body(string path, string body)
    {
        using var response = await world.SendAsync(path, WithModel(body));

        Assert.Equal(200, (int)response.StatusCode);
        var (sentTo, sent) = Assert.Single(world.Received);
        Assert.Equal("/v1/chat/completions", sentTo);
        Assert.DoesNotContain(GuardedGateway.Word, sent, StringComparison.Ordinal);
        Assert.Contains("fine", await response.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("watch")]
    [InlineData("lenient")]
    public async Task A_firewall_that_blocks_nothing_sees_the_same_chat(string firewall)
    {
        using var response = await world.SendAsync(
            Messages,
            $$"""{"model":"rec","firewall":"{{firewall}}","max_tokens":9,"messages":[{"role":"user","content":"FORBIDDEN"}]}"""
        );

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal("/v1/chat/completions", Assert.Single(world.Received).Path);
    }

    private static string WithModel(string body)
    {
        var json = JsonNode.Parse(body)!.AsObject();
        json["model"] = "guarded";
        if (json["messages"] is not null)
        {
            json["max_tokens"] ??= 9;
        }

        return json.ToJsonString();
    }
}
