using System.Globalization;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Scheduler.SystemTests.Load;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// Compares CTX_TOO_LARGE with the runtime's own count. A refused request exceeds the context by that count to the
/// token, and the runtime accepts every request that is sent.
/// </summary>
[Collection(LlamaGroup.Name)]
public sealed partial class ContextLimitTests(LlamaScheduler llama, ITestOutputHelper output) : IAsyncLifetime
{
    /// <summary>Requests compared in every run; the explicit cases compare <see cref="Many"/>.</summary>
    private const int Few = 40;
    private const int Many = 150;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        Assert.SkipUnless(llama.Missing is null, $"{llama.Missing}");
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <remarks>
    /// llama-server rounds 700 tokens up to 768. The scheduler refuses a request between the two, and the runtime would
    /// not.
    /// </remarks>
    [Theory]
    [InlineData("llama-server", 700, Few)]
    [InlineData("vllm", 1000, Few)]
    [InlineData("llama-server", 1024, Many, Explicit = true)]
    [InlineData("llama-server", 700, Many, Explicit = true)]
    [InlineData("vllm", 1000, Many, Explicit = true)]
    public async Task A_request_is_refused_exactly_when_prompt_and_output_exceed_the_context(
        string preset,
        int context,
        int requests
    )
    {
        var name = $"ctx-{preset}-{context}";
        var instance = await llama.SharedAsync(name, context, preset);
        var seed = LaunchLoad.Seed();
        await CompareAsync(instance, new RandomPrompts(seed, name, context, preset == "vllm"), requests);
    }

    [Theory]
    [InlineData("llama-server", "--embeddings")]
    [InlineData("vllm", "--runner", "pooling", Explicit = true)]
    public async Task Embedding_inputs_are_refused_exactly_when_one_of_them_exceeds_the_context(
        string preset,
        params string[] arguments
    )
    {
        var name = $"ctx-{preset}-embeds";
        var instance = await llama.SharedAsync(name, 512, preset, arguments);
        var seed = LaunchLoad.Seed();
        await CompareAsync(instance, new RandomPrompts(seed, name, 512, preset == "vllm") { Embeds = true }, 60);
    }

    [Theory]
    [InlineData("llama-server")]
    [InlineData("vllm", Explicit = true)]
    public async Task Each_remedy_in_the_hint_of_CTX_TOO_LARGE_works(string preset)
    {
        var name = $"hint-{preset}";
        var instance = await llama.RunningAsync(name, 512, preset);
        var prompt = new string('x', 450);
        var refused = await AskAsync(Chat(prompt, 100));
        Assert.Equal(413, refused.Status);
        var hint = (string)refused.Error!["hint"]!;
        var ways = Way().Match(hint);
        Assert.True(ways.Success, hint);
        var (fewer, shorter, larger) = (Number("fewer"), Number("shorter"), Number("larger"));

        // With less output the request fits; one more token of output exceeds the context again.
        Assert.Equal(200, (await AskAsync(Chat(prompt, fewer))).Status);
        Assert.Equal(413, (await AskAsync(Chat(prompt, fewer + 1))).Status);

        // A shorter prompt: an ASCII character is a token.
        var cut = prompt[(LlamaRuntime.ChatTokens(("user", prompt)) - shorter)..];
        Assert.Equal(200, (await AskAsync(Chat(cut, 100))).Status);
        Assert.Equal(413, (await AskAsync(Chat(cut + "x", 100))).Status);

        // A larger context, and a restart.
        _ = (await llama.ApiClient.StopAsync(instance)).Ok;
        var stopped = await llama.ApiClient.UntilAsync(instance, i => i.State == Api.V1.InstanceState.Stopped);
        stopped.Spec.ContextTokens = larger;
        _ = (await llama.ApiClient.UpdateAsync(instance, stopped.Spec, "spec.context_tokens")).Ok;
        _ = (await llama.ApiClient.StartAsync(instance)).Ok;
        await llama.ServesAsync(instance);
        await using var server = LlamaServer.Of(instance);
        Assert.Equal(200, (await AskAsync(Chat(prompt, 100))).Status);
        Assert.Equal(413, (await AskAsync(Chat(prompt + "x", 100))).Status);

        int Number(string way) => int.Parse(ways.Groups[way].Value, CultureInfo.InvariantCulture);

        RandomRequest Chat(string text, int maxTokens) =>
            new(
                "v1/chat/completions",
                new JsonObject
                {
                    ["model"] = name,
                    ["messages"] = new JsonArray(new JsonObject { ["role"] = "user", ["content"] = text }),
                    ["max_tokens"] = maxTokens,
                },
                Need: maxTokens
            );
    }

    private async Task CompareAsync(string instance, RandomPrompts prompts, int count)
    {
        using var direct = LlamaServer.Of(instance).NewClient();
        var (refusals, close) = (0, 0);
        for (var i = 0; i < count; i++)
        {
            var request = prompts.Next();
            request = prompts.Filled(request, await TokensAsync(direct, request));
            var tokens = await TokensAsync(direct, request);
            request = prompts.WithOutput(request, tokens);
            var said = Refusals(await llama.OutputOfAsync(instance));

            var answer = await AskAsync(request);

            var what = $"request {i}: {tokens} tokens, {request.Need} asked for: {Short(request.Body)}: {answer}";
            var exceeds = tokens + (long)request.Need > prompts.Context;
            Assert.True(exceeds ? answer.Status == 413 : answer.Status == 200, what);
            if (exceeds)
            {
                refusals++;
                Assert.True((string?)answer.Error!["code"] == "CTX_TOO_LARGE", what);
                var details = answer.Error["details"]!;
                Assert.True((string?)details["prompt_tokens"] == $"{tokens}", what);
                Assert.True((string?)details["requested_tokens"] == $"{request.Need}", what);
                Assert.True((string?)details["limit_tokens"] == $"{prompts.Context}", what);
            }

            // No request reached the refusal of the runtime itself.
            Assert.True(Refusals(await llama.OutputOfAsync(instance)) == said, what);
            close += Math.Abs(tokens + (long)request.Need - prompts.Context) <= 2 ? 1 : 0;
        }

        output.WriteLine($"{count} requests, {refusals} refused, {close} within two tokens of the limit");
        Assert.InRange(refusals, count / 10, count * 9 / 10);
        Assert.True(close > count / 10, "Too few prompts are close to the limit.");
    }

    private static int Refusals(string output) => output.Split("send_error").Length - 1;

    /// <summary>
    /// Tokens that the runtime counts for a completion, from its usage or its refusal; with several prompts, of the
    /// longest one.
    /// </summary>
    private static async Task<int> TokensAsync(HttpClient direct, RandomRequest request)
    {
        var longest = 0;
        foreach (var body in request.Alone.Count > 1 ? request.Alone : [request.Body])
        {
            using var content = request.ContentOf(body);
            using var answer = await direct.PostAsync(request.Path, content, Ct);
            var text = await answer.Content.ReadAsStringAsync(Ct);
            var count = CountInAnswer().Match(text);
            Assert.True(count.Success, $"{text}: {Short(body)}");
            longest = Math.Max(longest, int.Parse(count.Groups["count"].Value, CultureInfo.InvariantCulture));
        }

        return longest;
    }

    private async Task<(int Status, JsonNode? Error)> AskAsync(RandomRequest request)
    {
        using var client = new HttpClient { BaseAddress = llama.Process.Http };
        client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", llama.Key);
        using var content = request.Content();
        using var answer = await client.PostAsync(request.Path, content, Ct);
        var json = JsonNode.Parse(await answer.Content.ReadAsStringAsync(Ct))!;
        return ((int)answer.StatusCode, json["error"]);
    }

    private static string Short(JsonObject body)
    {
        var text = body.ToJsonString();
        return text.Length <= 2000 ? text : text[..2000];
    }

    [GeneratedRegex(
        @"Ask for at most (?<fewer>\d+) tokens of output, shorten the prompt to (?<shorter>\d+) tokens, or start '.*' with a context of (?<larger>\d+) or more",
        RegexOptions.ExplicitCapture
    )]
    private static partial Regex Way();

    [GeneratedRegex(
        """("prompt_tokens":|has |request \(|input \(|requested )(?<count>\d+)(,| (input )?tokens)""",
        RegexOptions.ExplicitCapture
    )]
    private static partial Regex CountInAnswer();
}
