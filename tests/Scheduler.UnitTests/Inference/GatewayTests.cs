using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Runtimes;
using Scheduler.Grains;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Inference;

/// <summary>The gateway in front of runtimes that answer, fail and exit.</summary>
public sealed class GatewayTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Hello = """{"model":"chat","messages":[{"role":"user","content":"hello"}]}""";
    private const string HelloStream =
        """{"model":"chat","stream":true,"messages":[{"role":"user","content":"hello"}]}""";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Body_and_answer_pass_unchanged_and_the_key_is_not_forwarded()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var seen = new TaskCompletionSource<(string Path, string Body, bool HasKey, string Id)>();
        await gateway.ServeAsync(
            "chat",
            async http =>
            {
                using var reader = new StreamReader(http.Request.Body);
                var body = await reader.ReadToEndAsync(Ct);
                seen.TrySetResult(
                    (
                        http.Request.Path,
                        body,
                        http.Request.Headers.ContainsKey("Authorization"),
                        http.Request.Headers["X-Request-Id"].ToString()
                    )
                );
                http.Response.ContentType = "application/json";
                await http.Response.WriteAsync("""{"id":"x","usage":{"prompt_tokens":3,"completion_tokens":2}}""", Ct);
            }
        );

        using var response = await gateway.PostAsync(Chat, Hello);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(
            """{"id":"x","usage":{"prompt_tokens":3,"completion_tokens":2}}""",
            await response.Content.ReadAsStringAsync(Ct)
        );
        var (path, body, hasKey, id) = await seen.Task;
        Assert.Equal(("/base/v1/chat/completions", Hello, false), (path, body, hasKey));
        Assert.Equal(response.Headers.GetValues("X-Request-Id").Single(), id);
        Assert.Equal("chat", response.Headers.GetValues("X-Instance").Single());
    }

    [Fact]
    public async Task A_stream_passes_event_by_event_without_usage_that_was_not_requested()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var mayGoOn = new TaskCompletionSource();
        string? sent = null;
        await gateway.ServeAsync(
            "chat",
            async http =>
            {
                using var reader = new StreamReader(http.Request.Body);
                sent = await reader.ReadToEndAsync(Ct);
                http.Response.ContentType = "text/event-stream";
                await http.Response.WriteAsync("data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n", Ct);
                await mayGoOn.Task;
                await http.Response.WriteAsync(
                    "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n",
                    Ct
                );
            }
        );

        using var response = await gateway.PostAsync(Chat, HelloStream, HttpCompletionOption.ResponseHeadersRead);
        await using var stream = await response.Content.ReadAsStreamAsync(Ct);
        var buffer = new byte[1024];
        var read = await stream.ReadAsync(buffer, Ct);
        Assert.Equal(
            "data: {\"choices\":[{\"delta\":{\"content\":\"a\"}}]}\n\n",
            Encoding.UTF8.GetString(buffer, 0, read)
        );

        mayGoOn.SetResult();
        using var rest = new StreamReader(stream);
        Assert.Equal("data: [DONE]\n\n", await rest.ReadToEndAsync(Ct));
        Assert.True(
            JsonDocument
                .Parse(sent!)
                .RootElement.GetProperty("stream_options")
                .GetProperty("include_usage")
                .GetBoolean()
        );
    }

    [Fact]
    public async Task A_disconnected_client_cancels_the_request_at_the_runtime()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var ended = new TaskCompletionSource();
        await gateway.ServeAsync(
            "chat",
            async http =>
            {
                http.RequestAborted.Register(() => ended.TrySetResult());
                http.Response.ContentType = "text/event-stream";
                await http.Response.WriteAsync("data: {\"choices\":[]}\n\n", Ct);
                await Task.Delay(Timeout.Infinite, http.RequestAborted);
            }
        );
        var response = await gateway.PostAsync(Chat, HelloStream, HttpCompletionOption.ResponseHeadersRead);

        response.Dispose();

        await ended.Task.WaitAsync(TimeSpan.FromSeconds(20), Ct);
    }

    [Fact]
    public async Task A_runtime_exit_ends_a_stream_with_its_cause_and_the_request_id()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var isSeen = new TaskCompletionSource();
        var instance = await gateway.ServeAsync(
            "chat",
            async http =>
            {
                http.Response.ContentType = "text/event-stream";
                await http.Response.WriteAsync("data: {\"choices\":[{\"delta\":{}}]}\n\ndata: {\"torn", Ct);
                await isSeen.Task;
                http.Abort();
            }
        );
        instance.OnExamine = () =>
            instance.Put(
                instance.Record with
                {
                    State = InstanceState.Failed,
                    Failure = new FailureRecord
                    {
                        Failure = FailureCatalogue.Describe(
                            new RunEndedFacts(FailureCode.OomKilled, "out of memory", "chat", IsComingBack: false)
                        ),
                    },
                }
            );

        using var response = await gateway.PostAsync(Chat, HelloStream, HttpCompletionOption.ResponseHeadersRead);
        await using var stream = await response.Content.ReadAsStreamAsync(Ct);
        var first = new byte["data: {\"choices\":[{\"delta\":{}}]}\n\n".Length];
        await stream.ReadExactlyAsync(first, Ct);
        isSeen.SetResult();
        using var reader = new StreamReader(stream);
        var text = await reader.ReadToEndAsync(Ct);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var last = text.TrimEnd().Split("\n\n")[^1];
        var error = JsonDocument.Parse(last["data: ".Length..]).RootElement.GetProperty("error");
        Assert.Equal("OOM_KILLED", error.GetProperty("code").GetString());
        Assert.Equal(response.Headers.GetValues("X-Request-Id").Single(), error.GetProperty("request_id").GetString());

        // The next request gets the failure that the first one discovered.
        var (status, next) = await gateway.RefusedAsync(Chat, Hello);
        Assert.Equal((502, "OOM_KILLED"), (status, next.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task A_truncated_answer_without_streaming_becomes_an_error()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await gateway.ServeAsync(
            "chat",
            async http =>
            {
                http.Response.ContentType = "application/json";
                http.Response.ContentLength = 100;
                await http.Response.WriteAsync("""{"id":""", Ct);
                await http.Response.Body.FlushAsync(Ct);
                http.Abort();
            }
        );

        var (status, error) = await gateway.RefusedAsync(Chat, Hello);

        Assert.Equal((502, "RUNTIME_ERROR"), (status, error.GetProperty("code").GetString()));
    }

    [Fact]
    public async Task A_stream_that_sends_nothing_for_too_long_ends_with_an_error()
    {
        await using var gateway = await GatewayFixture.StartAsync(
            new GatewayFixture { Settings = { ["UpstreamTimeout"] = "00:00:01" } }
        );
        await gateway.ServeAsync(
            "chat",
            async http =>
            {
                http.Response.ContentType = "text/event-stream";
                await http.Response.WriteAsync("data: {\"choices\":[]}\n\n", Ct);
                await Task.Delay(Timeout.Infinite, http.RequestAborted);
            }
        );

        using var response = await gateway.PostAsync(Chat, HelloStream);

        Assert.Contains("sent nothing for 1 s", await response.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400, """{"error":{"message":"temperature must be non-negative"}}""", 400, "INVALID_REQUEST")]
    [InlineData(500, """{"error":{"message":"boom"}}""", 502, "RUNTIME_ERROR")]
    [InlineData(
        503,
        """{"error":{"code":503,"message":"Loading model","type":"unavailable_error"}}""",
        429,
        "RATE_LIMITED"
    )]
    [InlineData(400, "not even json", 400, "INVALID_REQUEST")]
    [InlineData(
        400,
        """{"error":{"code":400,"message":"request (700 tokens) exceeds the available context size (512 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":700,"n_ctx":512}}""",
        413,
        "CTX_TOO_LARGE"
    )]
    [InlineData(
        400,
        """{"error":{"message":"This model's maximum context length is 512 tokens. However, your request has 700 input tokens. Please reduce the length of the input messages.","type":"BadRequestError","param":null,"code":400}}""",
        413,
        "CTX_TOO_LARGE"
    )]
    [InlineData(
        400,
        """{"object":"error","message":"'max_tokens' or 'max_completion_tokens' is too large: 900. This model's maximum context length is 512 tokens and your request has 5 input tokens (900 > 512 - 5).","type":"BadRequestError","code":400}""",
        413,
        "CTX_TOO_LARGE"
    )]
    public async Task A_runtime_error_keeps_its_message_and_gets_a_scheduler_code(
        int status,
        string body,
        int expected,
        string code
    )
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await gateway.ServeAsync(
            "chat",
            async http =>
            {
                http.Response.StatusCode = status;
                http.Response.ContentType = "application/json";
                await http.Response.WriteAsync(body, Ct);
            }
        );

        var (answered, error) = await gateway.RefusedAsync(Chat, Hello);

        Assert.Equal((expected, code), (answered, error.GetProperty("code").GetString()));
        if (code is "INVALID_REQUEST" && body.Contains("temperature", StringComparison.Ordinal))
        {
            Assert.Contains("temperature must be", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_prompt_over_the_context_limit_is_refused_with_the_token_counts()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var dispatched = 0;
        await gateway.ServeAsync(
            "chat",
            async http =>
            {
                http.Response.ContentType = "application/json";
                if (http.Request.Path == "/base/tokenize")
                {
                    await http.Response.WriteAsync("""{"count":90,"max_model_len":100,"tokens":[]}""", Ct);
                    return;
                }

                Interlocked.Increment(ref dispatched);
                await http.Response.WriteAsync("{}", Ct);
            },
            context: 100
        );

        var (status, error) = await gateway.RefusedAsync(
            Chat,
            """{"model":"chat","max_tokens":11,"messages":[{"role":"user","content":"hello"}]}"""
        );
        using var fits = await gateway.PostAsync(
            Chat,
            """{"model":"chat","max_tokens":10,"messages":[{"role":"user","content":"hello"}]}"""
        );

        Assert.Equal((413, "CTX_TOO_LARGE"), (status, error.GetProperty("code").GetString()));
        var details = error.GetProperty("details");
        Assert.Equal(
            ("100", "90", "11"),
            (
                details.GetProperty("limit_tokens").GetString(),
                details.GetProperty("prompt_tokens").GetString(),
                details.GetProperty("requested_tokens").GetString()
            )
        );
        Assert.Equal((HttpStatusCode.OK, 1), (fits.StatusCode, dispatched));
    }

    [Theory]
    [InlineData("not json", "body")]
    [InlineData("[]", "body")]
    [InlineData("""{"model":"chat"}""", "messages")]
    [InlineData("""{"messages":[]}""", "model")]
    [InlineData("""{"model":"chat","messages":[],"messages":[]}""", "messages")]
    [InlineData("""{"model":"chat","messages":[]} {}""", "body")]
    [InlineData("""{"model":"chat","messages":[],"max_tokens":1.5}""", "max_tokens")]
    [InlineData("""{"model":"chat","messages":[],"max_tokens":"9"}""", "max_tokens")]
    [InlineData("""{"model":"chat","messages":[],"max_tokens":99999999999}""", "max_tokens")]
    [InlineData("""{"model":7,"messages":[]}""", "model")]
    [InlineData("""{"model":"chat","messages":[],"stream":"yes"}""", "stream")]
    [InlineData("""{"model":"chat","messages":[],"firewall":{}}""", "firewall")]
    public async Task A_malformed_request_is_refused_naming_the_field(string body, string field)
    {
        await using var gateway = await GatewayFixture.StartAsync();

        var (status, error) = await gateway.RefusedAsync(Chat, body);

        Assert.Equal(
            (400, "INVALID_REQUEST", field),
            (status, error.GetProperty("code").GetString(), error.GetProperty("param").GetString())
        );
    }

    [Fact]
    public async Task Unknown_and_foreign_names_read_alike_and_own_stopped_ones_differ_INV_08()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var theirs = await gateway.ServeAsync("theirs", _ => Task.CompletedTask);
        theirs.Put(theirs.Record with { Account = new("acct-b") });
        var stopped = await gateway.ServeAsync("stopped", _ => Task.CompletedTask);
        stopped.Put(stopped.Record with { State = InstanceState.Stopped });

        var (unknown, one) = await gateway.RefusedAsync(Chat, Hello.Replace("chat", "nobody"));
        var (other, two) = await gateway.RefusedAsync(Chat, Hello.Replace("chat", "theirs"));
        var (idle, three) = await gateway.RefusedAsync(Chat, Hello.Replace("chat", "stopped"));

        Assert.Equal((404, 404, 409), (unknown, other, idle));
        Assert.Equal(
            one.GetProperty("message").GetString()!.Replace("nobody", "theirs"),
            two.GetProperty("message").GetString()
        );
        Assert.Equal("INSTANCE_NOT_RUNNING", three.GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("2", null)]
    [InlineData("2", 3)]
    [InlineData("512", 2)]
    public async Task A_slow_instance_uses_up_only_its_own_request_slots(string setting, int? atOnce)
    {
        await using var gateway = await GatewayFixture.StartAsync(
            new GatewayFixture { Settings = { ["MaxRequestsPerInstance"] = setting } }
        );
        var mayEnd = new TaskCompletionSource();
        var entered = new SemaphoreSlim(0);
        await gateway.ServeAsync(
            "chat",
            async http =>
            {
                entered.Release();
                await mayEnd.Task;
                await http.Response.WriteAsync("{}", Ct);
            },
            atOnce: atOnce
        );
        await gateway.ServeAsync("quick", http => http.Response.WriteAsync("{}", Ct));
        var first = gateway.PostAsync(Chat, Hello);
        var second = gateway.PostAsync(Chat, Hello);
        await entered.WaitAsync(Ct);
        await entered.WaitAsync(Ct);

        var (status, error) = await gateway.RefusedAsync(Chat, Hello);
        using var other = await gateway.PostAsync(Chat, Hello.Replace("chat", "quick"));

        Assert.Equal((429, "RATE_LIMITED"), (status, error.GetProperty("code").GetString()));
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);
        mayEnd.SetResult();
        using var one = await first;
        using var two = await second;
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (one.StatusCode, two.StatusCode));
    }

    [Fact]
    public async Task A_body_over_the_limit_is_refused_with_and_without_a_content_length()
    {
        await using var gateway = await GatewayFixture.StartAsync(
            new GatewayFixture { Settings = { ["MaxBodyBytes"] = "1024" } }
        );
        var body = Hello.Replace("hello", new string('x', 2000));

        var (status, error) = await gateway.RefusedAsync(Chat, body);
        using var chunked = new HttpRequestMessage(HttpMethod.Post, Chat);
        chunked.Headers.TryAddWithoutValidation("Authorization", $"Bearer {gateway.Key}");
        chunked.Headers.TransferEncodingChunked = true;
        chunked.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await gateway.Http.SendAsync(chunked, Ct);

        Assert.Equal((413, "BODY_TOO_LARGE"), (status, error.GetProperty("code").GetString()));
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
    }

    [Fact]
    public async Task Embeddings_reserve_no_output_tokens_and_vllm_completions_reserve_16()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await gateway.ServeAsync(
            "chat",
            http =>
                http.Response.WriteAsync(
                    http.Request.Path == "/base/tokenize" ? """{"count":100,"tokens":[]}""" : "{}",
                    Ct
                ),
            context: 100,
            tokenizer: TokenizeShape.Vllm
        );

        // As many characters as tokens, so that the byte count does not prove it small.
        var text = new string('a', 100);
        using var embedding = await gateway.PostAsync("/v1/embeddings", $$"""{"model":"chat","input":"{{text}}"}""");
        var (status, error) = await gateway.RefusedAsync(
            "/v1/completions",
            $$"""{"model":"chat","prompt":"{{text}}"}"""
        );

        Assert.Equal(HttpStatusCode.OK, embedding.StatusCode);
        Assert.Equal((413, "16"), (status, error.GetProperty("details").GetProperty("requested_tokens").GetString()));
    }

    [Fact]
    public async Task Served_usage_is_reported_even_if_the_gateway_stops_at_once()
    {
        var gateway = await GatewayFixture.StartAsync();
        FakeUsage usage;
        await using (gateway)
        {
            var instance = await gateway.ServeAsync(
                "chat",
                async http =>
                {
                    http.Response.ContentType = "application/json";
                    await http.Response.WriteAsync("""{"usage":{"prompt_tokens":3,"completion_tokens":2}}""", Ct);
                }
            );
            usage = (FakeUsage)gateway.Cluster.Usage(instance.Record.Id);
            for (var i = 0; i < 3; i++)
            {
                using var response = await gateway.PostAsync(Chat, Hello);
            }
        }

        Assert.Equal(new ServedUsage(3, 9, 6), usage.Record.Total);
    }
}
