using OpenAI;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>Answers that the gateway gives without a runtime, and the effect of following their hints.</summary>
[Collection(LlamaGroup.Name)]
public sealed class GatewayAnswersTests(LlamaScheduler llama) : IAsyncLifetime
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync()
    {
        Assert.SkipUnless(llama.Missing is null, $"{llama.Missing}");
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task INV_08_a_serving_name_resolves_only_to_the_callers_own_instance()
    {
        await llama.SharedAsync("sdk", 2048);
        await llama.SharedAsync("sdk-vectors", 512, "llama-server", "--embeddings");
        var other = await llama.AccountAsync("acct-other");
        var key = (await llama.ApiClient.CreateKeyAsync(other)).Ok.Token;
        using var mine = new Gateway(llama.Process, llama.Key);
        using var others = new Gateway(llama.Process, key);
        var before = await others.ChatAsync("sdk", "Hi", 2);
        Assert.Equal((404, "MODEL_NOT_FOUND"), (before.Status, before.Code));

        // The context shows which of the two answers.
        var instance = await llama.StartAsync(other, "sdk", 512, "llama-server", parallel: 1);
        await llama.ServesAsync(instance);
        await using var server = LlamaServer.Of(instance);
        await Eventually.UntilAsync(() => others.ChatAsync("sdk", "Hi", 2), a => a.Status == 200, "the name is known");
        var prompt = new string('x', 1000);
        Assert.Equal(200, (await mine.ChatAsync("sdk", prompt, 2)).Status);
        var refused = await others.ChatAsync("sdk", prompt, 2);
        Assert.Equal("512", (string?)refused.Json!["error"]!["details"]!["limit_tokens"]);
        Assert.Equal("MODEL_NOT_FOUND", (await others.ChatAsync("sdk-vectors", "Hi", 2)).Code);
        var names = (await others.ModelsAsync()).Json!["data"]!.AsArray().Select(model => (string?)model!["id"]);
        Assert.Equal(["sdk"], names);

        await AnOperatorSaysWhoseAsync(prompt);
    }

    [Fact]
    public async Task INSTANCE_NOT_RUNNING_is_resolved_by_the_start_in_its_hint()
    {
        using var gateway = new Gateway(llama.Process, llama.Key);
        var spec = Troubles.On("noise");
        (spec.Runtime, spec.ContextTokens, spec.ParallelSequences) = ("llama-server", 512, 1);
        var instance = (await llama.ApiClient.CreateInstanceAsync(llama.Account, "resting", spec)).Ok.Name;

        var resting = await gateway.ChatAsync("resting", "Hi", 2);

        Assert.Equal((409, "INSTANCE_NOT_RUNNING"), (resting.Status, resting.Code));
        Assert.Contains("tart", resting.Hint);
        // OpenAI clients would otherwise retry a 409 automatically.
        Assert.Equal("false", resting.Headers["X-Should-Retry"]);
        _ = (await llama.ApiClient.StartAsync(instance)).Ok;
        await llama.ServesAsync(instance);
        await using var server = LlamaServer.Of(instance);
        // The serving table receives the change shortly after the API has answered.
        await Eventually.UntilAsync(() => gateway.ChatAsync("resting", "Hi", 2), a => a.Status == 200, "it answers");
        _ = (await llama.ApiClient.StopAsync(instance)).Ok;
        await llama.ApiClient.UntilAsync(instance, i => i.State == InstanceState.Stopped);
        var stopped = await Eventually.UntilAsync(
            () => gateway.ChatAsync("resting", "Hi", 2),
            answer => answer.Status != 200,
            "the gateway reports it as stopped"
        );
        Assert.Equal("INSTANCE_NOT_RUNNING", stopped.Code);
    }

    [Fact]
    public async Task A_key_revoked_during_use_is_refused_and_a_new_key_works()
    {
        await llama.SharedAsync("sdk", 2048);
        var key = (await llama.ApiClient.CreateKeyAsync(llama.Account)).Ok;
        using var gateway = new Gateway(llama.Process, key.Token);
        Assert.Equal(200, (await gateway.ChatAsync("sdk", "Hi", 2)).Status);

        _ = (await llama.ApiClient.RevokeKeyAsync(key.Key.Name)).Ok;

        var revoked = await Eventually.UntilAsync(
            () => gateway.ChatAsync("sdk", "Hi", 2),
            answer => answer.Status != 200,
            "it is refused"
        );
        Assert.Equal((401, "AUTH_REVOKED_TOKEN"), (revoked.Status, revoked.Code));
        Assert.NotNull(revoked.Hint);
        using var renewed = new Gateway(llama.Process, (await llama.ApiClient.CreateKeyAsync(llama.Account)).Ok.Token);
        Assert.Equal(200, (await renewed.ChatAsync("sdk", "Hi", 2)).Status);
    }

    private async Task AnOperatorSaysWhoseAsync(string prompt)
    {
        using var nobodys = new Gateway(llama.Process, llama.Process.Token);
        var unsaid = await nobodys.ChatAsync("sdk", "Hi", 2);
        Assert.Equal((403, "PERMISSION_DENIED"), (unsaid.Status, unsaid.Code));
        Assert.Contains("OpenAI-Organization", (string?)unsaid.Json!["error"]!["message"]);
        using var others = new Gateway(llama.Process, llama.Process.Token, "acct-other");
        Assert.Equal("CTX_TOO_LARGE", (await others.ChatAsync("sdk", prompt, 2)).Code);
        var options = new OpenAIClientOptions
        {
            Endpoint = new Uri(llama.Process.Http, "v1"),
            OrganizationId = "acct-llama",
        };
        var mine = new OpenAIClient(new System.ClientModel.ApiKeyCredential(llama.Process.Token), options);
        var limit = new OpenAI.Chat.ChatCompletionOptions { MaxOutputTokenCount = 2 };
        var answer = await mine.GetChatClient("sdk").CompleteChatAsync([prompt], limit, Ct);
        Assert.Equal(2, answer.Value.Usage.OutputTokenCount);
    }
}
