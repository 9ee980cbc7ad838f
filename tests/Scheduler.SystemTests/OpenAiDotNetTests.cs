using System.ClientModel;
using System.Text.Json.Nodes;
using OpenAI;
using OpenAI.Chat;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>The official .NET package <c>OpenAI</c>, unmodified, with the gateway and a real runtime.</summary>
[Collection(LlamaGroup.Name)]
public sealed class OpenAiDotNetTests(LlamaScheduler llama) : IAsyncLifetime
{
    private static readonly ChatMessage[] Messages = [new SystemChatMessage("Be brief."), new UserChatMessage("Hi")];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private OpenAIClient Client => ClientOf(llama.Key);

    public ValueTask InitializeAsync()
    {
        Assert.SkipUnless(llama.Missing is null, $"{llama.Missing}");
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task The_dotnet_client_can_list_models_chat_stream_and_embed()
    {
        await llama.SharedAsync("sdk", 2048);
        await llama.SharedAsync("sdk-vectors", 512, "llama-server", "--embeddings");
        var models = await Client.GetOpenAIModelClient().GetModelsAsync(Ct);
        Assert.Superset(
            new HashSet<string> { "sdk", "sdk-vectors" },
            models.Value.Select(model => model.Id).ToHashSet()
        );

        var options = new ChatCompletionOptions { MaxOutputTokenCount = 20 };
        var chat = Client.GetChatClient("sdk");
        var answer = await chat.CompleteChatAsync(Messages, options, Ct);
        var text = answer.Value.Content[0].Text;
        Assert.Matches("^[a-z ]{20}$", text);
        Assert.Equal(ChatFinishReason.Length, answer.Value.FinishReason);
        var prompt = LlamaRuntime.ChatTokens(("system", "Be brief."), ("user", "Hi"));
        Assert.Equal((prompt, 20), (answer.Value.Usage.InputTokenCount, answer.Value.Usage.OutputTokenCount));
        Assert.True(answer.GetRawResponse().Headers.TryGetValue("X-Request-Id", out var id));
        Assert.StartsWith("req-", id);

        var said = "";
        ChatTokenUsage? usage = null;
        await foreach (var part in chat.CompleteChatStreamingAsync(Messages, options, Ct))
        {
            said += string.Concat(part.ContentUpdate.Select(piece => piece.Text));
            usage = part.Usage ?? usage;
        }

        Assert.Equal(text, said);
        // The package requests usage by itself.
        Assert.Equal((prompt, 20), (usage?.InputTokenCount, usage?.OutputTokenCount));

        var vectors = await Client
            .GetEmbeddingClient("sdk-vectors")
            .GenerateEmbeddingsAsync(["a", "b"], cancellationToken: Ct);
        Assert.Equal([64, 64], vectors.Value.Select(vector => vector.ToFloats().Length));
        Assert.Equal(4, vectors.Value.Usage.InputTokenCount);
    }

    [Fact]
    public async Task Errors_reach_the_caller_with_code_hint_and_request_id()
    {
        await llama.SharedAsync("sdk", 2048);
        var many = new string('x', 5000);
        var chat = Client.GetChatClient("sdk");
        var tooLong = await RefusedAsync(() => chat.CompleteChatAsync([new UserChatMessage(many)], null, Ct), 413);
        Assert.Equal("CTX_TOO_LARGE", (string?)tooLong["code"]);
        var prompt = LlamaRuntime.ChatTokens(("user", many));
        Assert.Equal($"{prompt}", (string?)tooLong["details"]!["prompt_tokens"]);
        Assert.Contains($"a context of {prompt + 1} or more", (string?)tooLong["hint"]);

        var streamed = await RefusedAsync(
            async () =>
            {
                await foreach (var _ in chat.CompleteChatStreamingAsync([new UserChatMessage(many)], null, Ct))
                {
                    Assert.Fail("It began.");
                }
            },
            413
        );
        Assert.Equal("CTX_TOO_LARGE", (string?)streamed["code"]);
        var unknown = await RefusedAsync(
            () => Client.GetChatClient("nobody").CompleteChatAsync(Messages, null, Ct),
            404
        );
        Assert.Equal("MODEL_NOT_FOUND", (string?)unknown["code"]);
        Assert.NotNull(unknown["hint"]);
        var unauthorized = ClientOf("sk-nobody").GetChatClient("sdk");
        var denied = await RefusedAsync(() => unauthorized.CompleteChatAsync(Messages, null, Ct), 401);
        Assert.Equal("AUTH_INVALID_TOKEN", (string?)denied["code"]);
    }

    [Fact]
    public async Task Cancelling_a_stream_stops_the_work_of_the_runtime()
    {
        var instance = await llama.SharedAsync("sdk-slow", 8192, "llama-server", "--token-delay-ms", "20");
        var left = Left(await llama.OutputOfAsync(instance));
        var chat = Client.GetChatClient("sdk-slow");
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var part in chat.CompleteChatStreamingAsync(Messages, null, leaving.Token))
            {
                if (part.ContentUpdate.Count > 0)
                {
                    await leaving.CancelAsync();
                }
            }
        });

        // Otherwise the stream would occupy the only slot for minutes.
        var options = new ChatCompletionOptions { MaxOutputTokenCount = 2 };
        var next = await chat.CompleteChatAsync(Messages, options, Ct);
        Assert.Equal(2, next.Value.Usage.OutputTokenCount);
        Assert.Equal(left + 1, Left(await llama.OutputOfAsync(instance)));

        static int Left(string output) => output.Split("its task is cancelled").Length - 1;
    }

    private OpenAIClient ClientOf(string key) =>
        new(new ApiKeyCredential(key), new OpenAIClientOptions { Endpoint = new Uri(llama.Process.Http, "v1") });

    /// <summary>
    /// The parts of a refusal that users of the package see: the status, and the scheduler's error in the body.
    /// </summary>
    private static async Task<JsonNode> RefusedAsync(Func<Task> ask, int status)
    {
        var refused = await Assert.ThrowsAsync<ClientResultException>(ask);
        Assert.Equal(status, refused.Status);
        var response = refused.GetRawResponse()!;
        var error = JsonNode.Parse(response.Content.ToString())!["error"]!;
        Assert.True(response.Headers.TryGetValue("X-Request-Id", out var id));
        Assert.Equal(id, (string?)error["request_id"]);
        // The package shows the message to users, so it must contain the instruction.
        Assert.Contains((string)error["code"]!, refused.Message);
        return error;
    }
}
