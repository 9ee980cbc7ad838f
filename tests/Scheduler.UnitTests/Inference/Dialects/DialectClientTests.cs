using System.Text.Json.Nodes;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.UnitTests.Inference.Dialects;

/// <summary>
/// The npm packages <c>openai</c>, <c>@anthropic-ai/sdk</c> and <c>ai</c>, unmodified, with the gateway and a runtime
/// that only serves chat completions.
/// </summary>
public sealed class DialectClientTests
{
    private static readonly string[] Sources = ["clients.mjs", "package-lock.json", "package.json"];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Clients_can_talk_call_tools_look_at_images_get_objects_count_and_read_errors()
    {
        var missing = await NodeProgram.MissingAsync(Ct);
        Assert.SkipUnless(missing is null, $"{missing}");
        await using var gateway = await GatewayFixture.StartAsync();
        await gateway.ServeAsync("chat", ScriptedRuntime.AnswerAsync);
        var package = await NodePackage.ReadyAsync("Scheduler.DialectClients", "dialect-clients", Sources, null, Ct);
        var environment = new Dictionary<string, string>
        {
            ["GATEWAY"] = gateway.Http.BaseAddress!.ToString().TrimEnd('/'),
            ["KEY"] = gateway.Key,
        };

        var seen = JsonNode.Parse(await package.RunAsync("node", ["clients.mjs"], Ct, environment))!;

        AssertMessages(seen);
        AssertResponses(seen);
        foreach (var name in new[] { "aiAnthropic", "aiOpenAi" })
        {
            var ai = seen[name]!;
            Assert.Equal(("Hello", "stop"), ((string?)ai["plain"], (string?)ai["finish"]));
            Assert.Equal("[7,2]", ai["usage"]!.ToJsonString());
            Assert.Equal(("It is sunny in Paris.", 2), ((string?)ai["text"], (int)ai["steps"]!));
            Assert.Equal(42, (int)ai["object"]!["answer"]!);
            Assert.Superset(
                new HashSet<string> { "reasoning-delta", "tool-call", "tool-result", "text-delta", "finish" },
                ai["kinds"]!.AsArray().Select(kind => (string)kind!).ToHashSet()
            );
        }
    }

    private static void AssertMessages(JsonNode seen)
    {
        Assert.Equal("Hello", (string?)seen["message"]!["content"]![0]!["text"]);
        Assert.StartsWith("req-", (string?)seen["message"]!["_request_id"] ?? "req-");
        Assert.Equal(
            [
                "message_start",
                "content_block_start",
                "content_block_delta",
                "content_block_delta",
                "content_block_stop",
            ],
            seen["messageEvents"]!.AsArray().Select(kind => (string?)kind).Take(5)
        );
        var tools = seen["messageTools"]!;
        Assert.Equal("""["thinking","tool_use"]""", tools["kinds"]!.ToJsonString());
        Assert.Equal("""{"city":"Paris"}""", tools["input"]!.ToJsonString());
        Assert.Equal(("tool_use", "end_turn"), ((string?)tools["stop"], (string?)tools["end"]));
        Assert.Equal((7, 2), ((int)tools["usage"]!["input_tokens"]!, (int)tools["usage"]!["output_tokens"]!));
        Assert.Equal("It is sunny.", (string?)tools["text"]);
        Assert.Equal("An image.", (string?)seen["messageImage"]);
        Assert.Equal(7, (int)seen["messageTokens"]!["input_tokens"]!);
        AssertError(seen["messageUnknown"]!, 404, "NotFoundError", "nothing");
        AssertError(seen["messageWrong"]!, 400, "BadRequestError", "temperature");
        AssertError(seen["messageBreaks"]!, null, "APIError", "broke off");
    }

    private static void AssertResponses(JsonNode seen)
    {
        Assert.Equal("Hello", (string?)seen["response"]!["output_text"]);
        var tools = seen["responseTools"]!;
        Assert.Equal("""["reasoning","function_call"]""", tools["items"]!.ToJsonString());
        Assert.Equal("""{"city":"Paris"}""", (string?)tools["arguments"]);
        Assert.Equal(9, (int)tools["usage"]!["total_tokens"]!);
        Assert.Equal(("It is sunny.", "completed"), ((string?)tools["text"], (string?)tools["status"]));
        Assert.Contains("response.completed", tools["kinds"]!.AsArray().Select(kind => (string?)kind));
        Assert.Equal("An image.", (string?)seen["responseImage"]);
        Assert.Equal(42, (int)seen["responseObject"]!["answer"]!);
        AssertError(seen["responseStored"]!, 400, "BadRequestError", "Nothing is stored here");
        Assert.Equal("previous_response_id", (string?)seen["responseStored"]!["param"]);
        AssertError(seen["responseRetrieved"]!, 404, "NotFoundError", "No response is stored here");
        AssertError(seen["responseBreaks"]!, null, "APIError", "broke off");
    }

    private static void AssertError(JsonNode error, int? status, string name, string words)
    {
        Assert.True((int?)error["status"] == status && (string?)error["name"] == name, error.ToJsonString());
        Assert.Contains(words, (string?)error["message"], StringComparison.Ordinal);
        if (status is not null)
        {
            Assert.StartsWith("req-", (string?)error["requestID"]);
        }
    }
}
