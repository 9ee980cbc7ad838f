using System.Text.Json.Nodes;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>The npm package <c>openai</c>, unmodified, with the gateway and a real runtime.</summary>
[Collection(LlamaGroup.Name)]
public sealed class OpenAiNpmTests(LlamaScheduler llama) : IAsyncLifetime
{
    private static readonly string[] Sources = ["client.mjs", "package-lock.json", "package.json"];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        Assert.SkipUnless(llama.Missing is null, $"{llama.Missing}");
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task The_npm_client_can_list_chat_stream_complete_respond_embed_abort_and_read_errors()
    {
        await llama.SharedAsync("sdk", 2048);
        await llama.SharedAsync("sdk-slow", 8192, "llama-server", "--token-delay-ms", "20");
        await llama.SharedAsync("sdk-vectors", 512, "llama-server", "--embeddings");

        var seen = await RunAsync("sdk", "sdk-slow", "sdk-vectors");

        var listed = seen["listed"]!.AsArray().Select(name => (string?)name).ToList();
        Assert.Superset(new HashSet<string?> { "sdk", "sdk-slow", "sdk-vectors" }, listed.ToHashSet());
        var chat = seen["chat"]!;
        var prompt = LlamaRuntime.ChatTokens(("system", "Be brief."), ("user", "Hi"));
        var text = (string)chat["text"]!;
        Assert.Matches("^[a-z ]{20}$", text);
        Assert.Equal((prompt, 20), ((int)chat["usage"]!["prompt_tokens"]!, (int)chat["usage"]!["completion_tokens"]!));
        Assert.Equal("length", (string?)chat["finish"]);
        Assert.StartsWith("req-", (string?)chat["requestId"]);
        Assert.Equal((string?)chat["header"], (string?)chat["requestId"]);

        Assert.Equal(text, (string?)seen["streamed"]!["text"]);
        Assert.Equal(0, (int)seen["streamed"]!["withoutChoice"]!);
        Assert.Null(seen["streamed"]!["usage"]);
        Assert.Equal(text, (string?)seen["streamedWithUsage"]!["text"]);
        Assert.Equal(20, (int)seen["streamedWithUsage"]!["usage"]!["completion_tokens"]!);
        Assert.Equal(prompt, (int)seen["streamedWithUsage"]!["usage"]!["prompt_tokens"]!);

        Assert.Equal((string?)seen["completed"]!["whole"], (string?)seen["completed"]!["text"]);
        Assert.Equal(6, (int)seen["completed"]!["usage"]!["prompt_tokens"]!);
        var responded = seen["responded"]!;
        Assert.Equal((text, text), ((string)responded["whole"]!, (string)responded["text"]!));
        Assert.Equal("incomplete", (string?)responded["status"]);
        Assert.Equal(
            (prompt, 20),
            ((int)responded["usage"]!["input_tokens"]!, (int)responded["usage"]!["output_tokens"]!)
        );
        Assert.Equal((2, 64), ((int)seen["embedded"]!["count"]!, (int)seen["embedded"]!["width"]!));

        // Otherwise the stream would occupy the only slot for minutes.
        Assert.Equal(2, (int)seen["aborted"]!["next"]!);
        Assert.InRange((int)seen["aborted"]!["waited"]!, 0, 20_000);
        AssertErrors(seen);
    }

    private static void AssertErrors(JsonNode seen)
    {
        var prompt = LlamaRuntime.ChatTokens(("user", new string('x', 5000)));
        foreach (var name in new[] { "tooLong", "tooLongStreamed" })
        {
            var tooLong = Error(seen, name, 413, "CTX_TOO_LARGE", "invalid_request_error");
            Assert.Equal($"{prompt}", (string?)tooLong["details"]!["prompt_tokens"]);
            Assert.Equal("2048", (string?)tooLong["details"]!["limit_tokens"]);
            Assert.StartsWith("Shorten the prompt to 2047 tokens", (string?)tooLong["hint"]);
            Assert.Contains((string)tooLong["hint"]!, (string?)tooLong["message"]);
        }

        var unknown = Error(seen, "unknownModel", 404, "MODEL_NOT_FOUND", "invalid_request_error");
        Assert.Equal("NotFoundError", (string?)unknown["name"]);
        var wrong = Error(seen, "wrong", 400, "INVALID_REQUEST", "invalid_request_error");
        Assert.Equal("max_tokens", (string?)wrong["param"]);
        Error(seen, "notMade", 400, "INVALID_REQUEST", "invalid_request_error");
        Error(seen, "unknownKey", 401, "AUTH_INVALID_TOKEN", "authentication_error");
    }

    private static JsonNode Error(JsonNode seen, string name, int status, string code, string type)
    {
        var error = seen[name]!;
        Assert.True((int?)error["status"] == status && (string?)error["code"] == code, $"{name}: {error}");
        Assert.Equal(type, (string?)error["type"]);
        Assert.StartsWith("req-", (string?)error["requestID"]);
        Assert.Equal((string?)error["requestID"], (string?)error["request_id"]);
        return error;
    }

    private async Task<JsonNode> RunAsync(params string[] models)
    {
        var package = await NodePackage.ReadyAsync("Scheduler.OpenAiClient", "openai-client", Sources, null, Ct);
        var environment = new Dictionary<string, string>
        {
            ["OPENAI_BASE_URL"] = new Uri(llama.Process.Http, "v1").ToString(),
            ["OPENAI_API_KEY"] = llama.Key,
        };
        return JsonNode.Parse(await package.RunAsync("node", ["client.mjs", .. models], Ct, environment))!;
    }
}
