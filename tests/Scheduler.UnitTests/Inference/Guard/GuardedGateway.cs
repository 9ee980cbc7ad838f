using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Runtimes;
using Scheduler.Grains;
using Scheduler.Grains.Firewalls;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Inference.Guard;

/// <summary>
/// The whole gateway with runtimes that record every request. <c>guarded</c> (vLLM) and <c>guardedl</c> (llama-server)
/// have a firewall in block mode, whose judge finds the word FORBIDDEN; <c>rec</c> has none.
/// </summary>
public sealed class GuardedGateway : IAsyncLifetime
{
    public const string Word = "FORBIDDEN";

    internal GatewayFixture Gateway { get; private set; } = null!;

    /// <summary>Paths and bodies that runtimes received, without those of tokenizers.</summary>
    public ConcurrentQueue<(string Path, string Body)> Received { get; } = new();

    /// <summary>Calls of tokenizers.</summary>
    public ConcurrentQueue<(string Path, string Body)> Tokenized { get; } = new();

    /// <summary>What the judge was asked about: the user messages.</summary>
    public ConcurrentQueue<string> Judged { get; } = new();

    public async ValueTask InitializeAsync()
    {
        Gateway = await GatewayFixture.StartAsync();
        await Gateway
            .Cluster.Account(GatewayFixture.Account)
            .CreateAsync(new("", TimeSpan.Zero), new(default, "test", null));
        await Gateway.ServeAsync("judge", JudgeAsync);
        await Gateway.ServeAsync("rec", RecordAsync);
        await ServeGuardedAsync("guarded", TokenizeShape.Vllm);
        await ServeGuardedAsync("guardedl", TokenizeShape.LlamaServer);
        await AddFirewallAsync("strict", FirewallMode.Block);
        await AddFirewallAsync("watch", FirewallMode.Audit);
        await AddFirewallAsync("lenient", FirewallMode.Allow);
    }

    public ValueTask DisposeAsync() => Gateway.DisposeAsync();

    /// <summary>Forgets what was recorded, and sends a request.</summary>
    public Task<HttpResponseMessage> SendAsync(string path, string body)
    {
        Received.Clear();
        Tokenized.Clear();
        Judged.Clear();
        return Gateway.PostAsync(path, body);
    }

    private async Task ServeGuardedAsync(string name, TokenizeShape tokenizer)
    {
        var instance = await Gateway.ServeAsync(name, RecordAsync, tokenizer: tokenizer);
        instance.Put(instance.Record with { Firewall = "strict" });
    }

    private Task AddFirewallAsync(string slug, FirewallMode mode) =>
        Gateway
            .Cluster.Firewalls(GatewayFixture.Account)
            .CreateAsync(
                slug,
                new FirewallDraft
                {
                    Mode = mode,
                    Judge = "judge",
                    Rules = ["jailbreak"],
                    JudgeDeadline = TimeSpan.FromSeconds(20),
                },
                new CommandContext(new RequestId("req-0"), "test", null)
            );

    private async Task JudgeAsync(HttpContext context)
    {
        var body = await JsonNode.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
        var asked = body!["messages"]![1]!["content"]!.GetValue<string>();
        Judged.Enqueue(asked);
        var answer = new JsonObject();
        foreach (var (name, property) in body["response_format"]!["json_schema"]!["schema"]!["properties"]!.AsObject())
        {
            answer[name] = property!["enum"]?[0]?.DeepClone() ?? asked.Contains(Word, StringComparison.Ordinal);
        }

        await context.Response.WriteAsJsonAsync(
            new JsonObject
            {
                ["choices"] = new JsonArray(
                    new JsonObject { ["message"] = new JsonObject { ["content"] = answer.ToJsonString() } }
                ),
            },
            context.RequestAborted
        );
    }

    /// <summary>Token ids of this runtime's detokenizer are code points, so a text is its code points.</summary>
    private async Task RecordAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        var path = context.Request.Path.Value!["/base".Length..];
        var answer =
            """{"choices":[{"message":{"content":"fine"}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}""";
        if (path is "/detokenize")
        {
            Tokenized.Enqueue((path, body));
            var ids = JsonDocument.Parse(body).RootElement.GetProperty("tokens").EnumerateArray();
            var text = string.Concat(ids.Select(id => char.ConvertFromUtf32(id.GetInt32())));
            answer = JsonSerializer.Serialize(new { prompt = text });
        }
        else if (path is "/tokenize" or "/apply-template")
        {
            Tokenized.Enqueue((path, body));
            answer = """{"count":1,"tokens":[1],"prompt":"x"}""";
        }
        else
        {
            Received.Enqueue((path, body));
        }

        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(answer, context.RequestAborted);
    }
}
