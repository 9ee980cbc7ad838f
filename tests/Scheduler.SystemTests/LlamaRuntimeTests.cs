using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// A real llama.cpp as users run it: the built-in preset <c>llama-server</c> of the <c>process</c> provider, with a
/// model that is registered by its own file. Tokens, limits and exits are real.
/// </summary>
[Collection(LlamaGroup.Name)]
public sealed class LlamaRuntimeTests(LlamaScheduler llama) : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private ApiClient ApiClient => llama.ApiClient;

    public ValueTask InitializeAsync()
    {
        Assert.SkipUnless(llama.Missing is null, $"{llama.Missing}");
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task The_llama_server_preset_counts_tokens_and_refuses_requests_beyond_its_context()
    {
        await using var server = LlamaServer.Of(await llama.RunningAsync("chat", 512));
        using var client = server.NewClient();
        var models = await AskAsync(client, "v1/models", null);
        Assert.Equal("chat", (string?)models["data"]![0]!["id"]);

        // INV-17: the preset's variable works, and a caller without the key is refused.
        using var other = new HttpClient { BaseAddress = server.Http };
        using var unknown = await other.PostAsJsonAsync("v1/chat/completions", new { model = "chat" }, Ct);
        Assert.Equal(HttpStatusCode.Unauthorized, unknown.StatusCode);

        // Tokens counted with the chat template equal those of the model's own tokenizer.
        var messages = new[] { new { role = "system", content = "Be brief." }, new { role = "user", content = "Hi" } };
        var expected = LlamaRuntime.ChatTokens(("system", "Be brief."), ("user", "Hi"));
        var templated = await AskAsync(client, "apply-template", new { messages });
        var tokens = await AskAsync(
            client,
            "tokenize",
            new { content = (string)templated["prompt"]!, add_special = true }
        );
        Assert.Equal(expected, tokens["tokens"]!.AsArray().Count);
        var answer = await AskAsync(client, "v1/chat/completions", new { messages, max_tokens = 20 });
        Assert.Equal(expected, (int)answer["usage"]!["prompt_tokens"]!);
        Assert.Equal(20, (int)answer["usage"]!["completion_tokens"]!);
        var text = (string)answer["choices"]![0]!["message"]!["content"]!;
        Assert.Matches("^[a-z ]{20}$", text);

        // One event per token, and together the same answer.
        var events = await StreamAsync(
            client,
            new
            {
                messages,
                max_tokens = 20,
                stream = true,
            }
        );
        Assert.Equal("[DONE]", events[^1]);
        var said = events
            .SkipLast(1)
            .Select(line => (string?)JsonNode.Parse(line)!["choices"]![0]!["delta"]!["content"]);
        Assert.Equal(text.Select(letter => $"{letter}"), said.Where(one => one is not null));

        // The last prompt that leaves room for one token gets one token; the next is refused in the words of llama.cpp.
        var full = await AskAsync(client, "v1/completions", new { prompt = new string('x', 510) });
        Assert.Equal(511, (int)full["usage"]!["prompt_tokens"]!);
        Assert.Equal(1, (int)full["usage"]!["completion_tokens"]!);
        using var refused = await client.PostAsJsonAsync("v1/completions", new { prompt = new string('x', 511) }, Ct);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        var error = JsonNode.Parse(await refused.Content.ReadAsStringAsync(Ct))!["error"]!;
        Assert.Equal("exceed_context_size_error", (string?)error["type"]);
        Assert.Equal(512, (int)error["n_prompt_tokens"]!);
        Assert.Equal(512, (int)error["n_ctx"]!);
    }

    [Fact]
    public async Task The_vllm_preset_counts_tokens_and_refuses_prompt_plus_output_beyond_its_context()
    {
        await using var server = LlamaServer.Of(await llama.RunningAsync("counted", 300, preset: "vllm"));
        using var client = server.NewClient();
        var messages = new[] { new { role = "user", content = "Hi" } };
        var prompt = LlamaRuntime.ChatTokens(("user", "Hi"));
        var counted = await AskAsync(client, "tokenize", new { model = "counted", messages });
        Assert.Equal((prompt, 300), ((int)counted["count"]!, (int)counted["max_model_len"]!));

        var full = await AskAsync(client, "v1/chat/completions", new { messages, max_tokens = 300 - prompt });
        Assert.Equal(300, (int)full["usage"]!["total_tokens"]!);
        var body = new { messages, max_tokens = 301 - prompt };
        using var refused = await client.PostAsJsonAsync("v1/chat/completions", body, Ct);
        Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        Assert.Contains("maximum context length is 300 tokens", await refused.Content.ReadAsStringAsync(Ct));
    }

    [Fact]
    public async Task Embeddings_work_only_on_a_runtime_that_was_started_for_them()
    {
        var body = new { input = new[] { "a", "b" } };
        await using var server = LlamaServer.Of(await llama.RunningAsync("vectors", 512, arguments: "--embeddings"));
        using var client = server.NewClient();
        var answer = await AskAsync(client, "v1/embeddings", body);
        Assert.Equal(4, (int)answer["usage"]!["prompt_tokens"]!);
        var vectors = answer["data"]!.AsArray().Select(one => $"{one!["embedding"]}").ToList();
        Assert.Equal(2, vectors.Distinct().Count());

        await using var without = LlamaServer.Of(await llama.RunningAsync("words", 512));
        using var asking = without.NewClient();
        using var refused = await asking.PostAsJsonAsync("v1/embeddings", body, Ct);
        Assert.Equal(HttpStatusCode.NotImplemented, refused.StatusCode);
    }

    [Fact]
    public async Task A_client_disconnect_frees_its_slot_and_a_kill_gives_RUNTIME_EXITED()
    {
        var instance = await llama.RunningAsync("slow", 8192, "llama-server", "--token-delay-ms", "20");
        await using var server = LlamaServer.Of(instance);
        using var client = server.NewClient();
        // At 20 ms per token, the whole context would occupy the only slot for minutes.
        using (var leaving = CancellationTokenSource.CreateLinkedTokenSource(Ct))
        {
            var body = new { prompt = "x", stream = true };
            using var request = new HttpRequestMessage(HttpMethod.Post, "v1/completions")
            {
                Content = JsonContent.Create(body),
            };
            using var answer = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, leaving.Token);
            using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(leaving.Token));
            Assert.StartsWith("data: ", await reader.ReadLineAsync(leaving.Token));
            await leaving.CancelAsync();
        }

        var next = await AskAsync(client, "v1/completions", new { prompt = "x", max_tokens = 2 });
        Assert.Equal(2, (int)next["usage"]!["completion_tokens"]!);

        server.Kill();
        var failed = await ApiClient.UntilAsync(instance, i => i.State == InstanceState.Failed);
        Assert.Equal("RUNTIME_EXITED", failed.Failure.Code);
        Assert.Equal("137", failed.Failure.Details["exit_code"]);
        Assert.StartsWith("A process on its host killed it", failed.Failure.Hint);
    }

    [Fact]
    public async Task A_context_too_large_for_memory_gives_OOM_KILLED_and_the_hinted_context_fits()
    {
        var instance = await llama.StartAsync("tight", LlamaRuntime.MaxContextTokens, preset: "tight");
        var failed = await ApiClient.UntilAsync(
            instance,
            i => i.State is InstanceState.Failed or InstanceState.Running
        );
        Assert.True(failed.State == InstanceState.Failed, $"{failed}");
        Assert.True(failed.Failure.Code == "OOM_KILLED", $"{failed}");
        Assert.Contains("ggml_aligned_malloc: insufficient memory", failed.Failure.Details["output_tail"]);
        var context = failed.Failure.Details["fitting_context_tokens"];
        Assert.Contains(
            $"set context_tokens to {context} (it was {LlamaRuntime.MaxContextTokens})",
            failed.Failure.Hint
        );

        var spec = failed.Spec;
        spec.ContextTokens = long.Parse(context, CultureInfo.InvariantCulture);
        _ = (await ApiClient.UpdateAsync(instance, spec, "spec.context_tokens")).Ok;
        _ = (await ApiClient.StartAsync(instance)).Ok;

        var reached = await ApiClient.UntilAsync(
            instance,
            i => i.State is InstanceState.Running or InstanceState.Failed
        );
        Assert.True(reached.State == InstanceState.Running, $"{reached}");
    }

    [Fact(Explicit = true)]
    public async Task A_runtime_that_exhausts_memory_while_serving_gives_OOM_KILLED()
    {
        string[] late = ["--late-memory-above", "10000"];
        var instance = await llama.RunningAsync("loaded", LlamaRuntime.MaxContextTokens, "llama-server", late);
        await using var server = LlamaServer.Of(instance);
        using var client = server.NewClient();
        await server.LimitMemoryAsync(32_000_000, Ct);

        var prompt = new string('x', 100_000);
        await Assert.ThrowsAnyAsync<HttpRequestException>(() =>
            client.PostAsJsonAsync("v1/completions", new { prompt, max_tokens = 2 }, Ct)
        );

        var failed = await ApiClient.UntilAsync(instance, i => i.State == InstanceState.Failed);
        Assert.True(failed.Failure.Code == "OOM_KILLED", $"{failed}");
        Assert.Contains("ggml_aligned_malloc: insufficient memory", failed.Failure.Details["output_tail"]);
        Assert.Contains($"(it was {LlamaRuntime.MaxContextTokens})", failed.Failure.Hint);
    }

    private static async Task<JsonNode> AskAsync(HttpClient client, string path, object? body)
    {
        using var answer = body is null
            ? await client.GetAsync(new Uri(path, UriKind.Relative), Ct)
            : await client.PostAsJsonAsync(path, body, Ct);
        var text = await answer.Content.ReadAsStringAsync(Ct);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, text);
        return JsonNode.Parse(text)!;
    }

    private static async Task<List<string>> StreamAsync(HttpClient client, object body)
    {
        using var answer = await client.PostAsJsonAsync("v1/chat/completions", body, Ct);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        var lines = (await answer.Content.ReadAsStringAsync(Ct)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.All(lines, line => Assert.StartsWith("data: ", line));
        return [.. lines.Select(line => line["data: ".Length..])];
    }
}
