using System.Globalization;
using OpenAI;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>What the gateway answers where no runtime has a say, and what each of its hints repairs.</summary>
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
    public async Task INV_08_a_serving_name_means_the_callers_own_instance_and_nobody_elses()
    {
        await llama.SharedAsync("sdk", 2048);
        await llama.SharedAsync("sdk-vectors", 512, "llama-server", "--embeddings");
        var other = await llama.AccountAsync("acct-other");
        var key = (await llama.Door.CreateKeyAsync(other)).Ok.Token;
        using var mine = new Gateway(llama.Process, llama.Key);
        using var others = new Gateway(llama.Process, key);
        var before = await others.ChatAsync("sdk", "Hi", 2);
        Assert.Equal((404, "MODEL_NOT_FOUND"), (before.Status, before.Code));

        // Its context tells which one answers.
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
    public async Task INSTANCE_NOT_RUNNING_is_repaired_by_the_start_it_asks_for()
    {
        using var gateway = new Gateway(llama.Process, llama.Key);
        var spec = Troubles.On("noise");
        (spec.Runtime, spec.ContextTokens, spec.ParallelSequences) = ("llama-server", 512, 1);
        var instance = (await llama.Door.CreateInstanceAsync(llama.Account, "resting", spec)).Ok.Name;

        var resting = await gateway.ChatAsync("resting", "Hi", 2);

        Assert.Equal((409, "INSTANCE_NOT_RUNNING"), (resting.Status, resting.Code));
        Assert.Contains("tart", resting.Hint);
        // OpenAI's clients would repeat a 409 by themselves.
        Assert.Equal("false", resting.Headers["X-Should-Retry"]);
        _ = (await llama.Door.StartAsync(instance)).Ok;
        await llama.ServesAsync(instance);
        await using var server = LlamaServer.Of(instance);
        // Its table hears of the change a moment after the instance's own door does.
        await Eventually.UntilAsync(() => gateway.ChatAsync("resting", "Hi", 2), a => a.Status == 200, "it answers");
        _ = (await llama.Door.StopAsync(instance)).Ok;
        await llama.Door.UntilAsync(instance, i => i.State == InstanceState.Stopped);
        var stopped = await Eventually.UntilAsync(
            () => gateway.ChatAsync("resting", "Hi", 2),
            answer => answer.Status != 200,
            "it is known to be stopped"
        );
        Assert.Equal("INSTANCE_NOT_RUNNING", stopped.Code);
    }

    [Fact]
    public async Task A_key_that_is_revoked_while_it_is_used_is_refused_and_a_new_one_helps()
    {
        await llama.SharedAsync("sdk", 2048);
        var key = (await llama.Door.CreateKeyAsync(llama.Account)).Ok;
        using var gateway = new Gateway(llama.Process, key.Token);
        Assert.Equal(200, (await gateway.ChatAsync("sdk", "Hi", 2)).Status);

        _ = (await llama.Door.RevokeKeyAsync(key.Key.Name)).Ok;

        var revoked = await Eventually.UntilAsync(
            () => gateway.ChatAsync("sdk", "Hi", 2),
            answer => answer.Status != 200,
            "it is refused"
        );
        Assert.Equal((401, "AUTH_REVOKED_TOKEN"), (revoked.Status, revoked.Code));
        Assert.NotNull(revoked.Hint);
        using var renewed = new Gateway(llama.Process, (await llama.Door.CreateKeyAsync(llama.Account)).Ok.Token);
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
