using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Scheduler.UnitTests.Inference;

/// <summary>INV-17: every request to a runtime has the runtime's key and nothing that identifies the caller.</summary>
public sealed class RuntimeKeyTests
{
    private const string RuntimeKey = "planted-runtime-key";

    private readonly ConcurrentQueue<(string Path, string Authorization, string All)> _seen = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/v1/chat/completions", """{"model":"chat","messages":[{"role":"user","content":"hello"}]}""")]
    [InlineData("/v1/completions", """{"model":"chat","prompt":"hello"}""")]
    [InlineData("/v1/embeddings", """{"model":"chat","input":"hello"}""")]
    [InlineData("/v1/messages", """{"model":"chat","max_tokens":5,"messages":[{"role":"user","content":"hello"}]}""")]
    [InlineData("/v1/responses", """{"model":"chat","input":"hello"}""")]
    public async Task A_runtime_gets_its_own_key_and_no_credential_of_the_caller(string path, string body)
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await gateway.ServeAsync("chat", AnswerAsync, runtimeKey: RuntimeKey);
        using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");

        using var response = await gateway.SendAsync(
            "POST",
            path,
            content,
            ("Cookie", "session=planted-cookie"),
            ("Proxy-Authorization", "Basic planted-proxy"),
            ("Api-Key", "planted-api-key"),
            ("X-Forwarded-For", "198.51.100.7")
        );
        var answer = await response.Content.ReadAsStringAsync(Ct);

        Assert.True(response.IsSuccessStatusCode, answer);
        Assert.NotEmpty(_seen);
        Assert.All(
            _seen,
            seen =>
            {
                Assert.Equal($"Bearer {RuntimeKey}", seen.Authorization);
                Assert.DoesNotContain(gateway.Key, seen.All, StringComparison.Ordinal);
                Assert.DoesNotContain("planted-cookie", seen.All, StringComparison.Ordinal);
                Assert.DoesNotContain("planted-proxy", seen.All, StringComparison.Ordinal);
                Assert.DoesNotContain("planted-api-key", seen.All, StringComparison.Ordinal);
                Assert.DoesNotContain("198.51.100.7", seen.All, StringComparison.Ordinal);
            }
        );
        Assert.DoesNotContain(RuntimeKey, answer + response.Headers, StringComparison.Ordinal);
        Assert.DoesNotContain(gateway.Log.Lines, line => line.Contains(RuntimeKey, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_tokenizer_and_the_probe_of_a_balancer_are_asked_with_the_key()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await gateway.ServeAsync("chat", AnswerAsync, context: 16, runtimeKey: RuntimeKey);
        var long16 = string.Join(' ', Enumerable.Repeat("word", 30));
        using var response = await gateway.PostAsync(
            "/v1/completions",
            $$"""{"model":"chat","prompt":"{{long16}}","max_tokens":1}"""
        );

        Assert.Contains(_seen, seen => seen.Path == "/base/tokenize");
        Assert.All(_seen, seen => Assert.Equal($"Bearer {RuntimeKey}", seen.Authorization));
    }

    [Fact]
    public async Task A_runtime_without_a_key_gets_no_header()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await gateway.ServeAsync("chat", AnswerAsync);

        using var response = await gateway.PostAsync(
            "/v1/chat/completions",
            """{"model":"chat","messages":[{"role":"user","content":"hello"}]}"""
        );

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("", Assert.Single(_seen).Authorization);
    }

    [Fact]
    public async Task After_a_new_launch_the_new_key_is_used()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var instance = await gateway.ServeAsync("chat", AnswerAsync, runtimeKey: RuntimeKey);
        const string hello = """{"model":"chat","messages":[{"role":"user","content":"hello"}]}""";
        using var first = await gateway.PostAsync("/v1/chat/completions", hello);

        var next = new Scheduler.Domain.Ids.AllocationKey("next");
        instance.RuntimeKey = "second-runtime-key";
        instance.Put(
            instance.Record with
            {
                Intent = instance.Record.Intent! with { Key = next },
                Allocation = instance.Record.Allocation! with { Key = next },
            }
        );
        await TestKit.Eventually.UntilAsync(
            async () =>
            {
                using var again = await gateway.PostAsync("/v1/chat/completions", hello);
                return _seen.Last().Authorization;
            },
            authorization => authorization == "Bearer second-runtime-key",
            "the new key is used"
        );
    }

    private async Task AnswerAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        await reader.ReadToEndAsync(Ct);
        _seen.Enqueue(
            (
                http.Request.Path,
                http.Request.Headers.Authorization.ToString(),
                string.Join('\n', http.Request.Headers.Select(header => $"{header.Key}: {header.Value}"))
            )
        );
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(
            http.Request.Path.Value!.EndsWith("/tokenize", StringComparison.Ordinal)
                ? """{"count":30,"tokens":[]}"""
                : """{"id":"x","object":"chat.completion","model":"chat","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}""",
            Ct
        );
    }
}
