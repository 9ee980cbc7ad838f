using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.Grains.Firewalls;
using Xunit;

namespace Scheduler.UnitTests.Inference;

/// <summary>What OpenAI's clients expect besides a good answer: paths, methods, names, errors.</summary>
public sealed class OpenAiContractTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GET", "/v1/responses/x", 404, "NOT_FOUND", null)]
    [InlineData("GET", "/v1/responses", 405, "METHOD_NOT_ALLOWED", "POST")]
    [InlineData("POST", "/v1/images/generations", 404, "NOT_FOUND", null)]
    [InlineData("PUT", "/v1/nothing", 404, "NOT_FOUND", null)]
    [InlineData("DELETE", "/v1", 404, "NOT_FOUND", null)]
    [InlineData("GET", "/v1/chat/completions", 405, "METHOD_NOT_ALLOWED", "POST")]
    [InlineData("OPTIONS", "/v1/chat/completions", 405, "METHOD_NOT_ALLOWED", "POST")]
    [InlineData("DELETE", "/v1/embeddings/", 405, "METHOD_NOT_ALLOWED", "POST")]
    [InlineData("GET", "/tokenize", 405, "METHOD_NOT_ALLOWED", "POST")]
    [InlineData("POST", "/v1/models", 405, "METHOD_NOT_ALLOWED", "GET, HEAD")]
    [InlineData("DELETE", "/v1/models/chat", 405, "METHOD_NOT_ALLOWED", "GET, HEAD")]
    [InlineData("GET", "/v1/models/nothing", 404, "MODEL_NOT_FOUND", null)]
    [InlineData("GET", "/v1/models/a/b", 404, "MODEL_NOT_FOUND", null)]
    public async Task Unknown_paths_and_wrong_methods_are_refused_in_the_shape_of_OpenAI(
        string method,
        string path,
        int status,
        string code,
        string? allow
    )
    {
        await using var gateway = await GatewayFixture.StartAsync();
        using var response = await gateway.SendAsync(method, path);

        Assert.Equal(status, (int)response.StatusCode);
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Ct));
        var error = body.RootElement.GetProperty("error");
        Assert.Equal(code, error.GetProperty("code").GetString());
        Assert.Equal("invalid_request_error", error.GetProperty("type").GetString());
        Assert.Equal(
            allow,
            response.Content.Headers.Allow.Count == 0 ? null : string.Join(", ", response.Content.Headers.Allow)
        );
    }

    [Theory]
    [InlineData("GET", "/v1/accounts/acct-a/nothing", 404)]
    [InlineData("PUT", "/v1/failures", 405)]
    [InlineData("GET", "/nothing", 404)]
    public async Task Paths_of_the_API_keep_the_shape_of_the_API(string method, string path, int status)
    {
        await using var gateway = await GatewayFixture.StartAsync();
        using var response = await gateway.SendAsync(method, path);

        Assert.Equal(status, (int)response.StatusCode);
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Ct));
        Assert.True(body.RootElement.TryGetProperty("details", out _));
    }

    [Fact]
    public async Task A_model_can_be_retrieved_and_tells_its_context()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await gateway.ServeAsync("chat", _ => Task.CompletedTask, context: 4096);
        await gateway.ServeAsync("large", _ => Task.CompletedTask, context: 8192);
        gateway.Balance(null, "chat", "large");

        Assert.Equal(4096, await ContextAsync("chat"));
        Assert.Equal(8192, await ContextAsync("front"));
        using var head = await gateway.SendAsync("HEAD", "/v1/models/chat");
        Assert.Equal(HttpStatusCode.OK, head.StatusCode);
        Assert.True(head.Content.Headers.ContentLength > 0);
        using var list = JsonDocument.Parse(
            await (await gateway.SendAsync("GET", "/v1/models")).Content.ReadAsStringAsync(Ct)
        );
        Assert.Equal(
            [4096, 8192, 8192],
            list.RootElement.GetProperty("data")
                .EnumerateArray()
                .Select(model => model.GetProperty("max_model_len").GetInt64())
        );

        async Task<long> ContextAsync(string model)
        {
            using var response = await gateway.SendAsync("GET", $"/v1/models/{model}");
            using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Ct));
            Assert.Equal(model, body.RootElement.GetProperty("id").GetString());
            return body.RootElement.GetProperty("max_model_len").GetInt64();
        }
    }

    [Theory]
    [InlineData(65)]
    [InlineData(5000)]
    public async Task A_name_of_any_length_is_not_found(int length)
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var (status, error) = await gateway.RefusedAsync(
            "/v1/chat/completions",
            $$"""{"model":"{{new string('a', length)}}","messages":[]}"""
        );

        Assert.Equal((404, "MODEL_NOT_FOUND"), (status, error.GetProperty("code").GetString()));
        Assert.True(error.GetProperty("message").GetString()!.Length < 300);
    }

    [Theory]
    [InlineData("/v1/chat/completions/")]
    [InlineData("/V1/Chat/Completions")]
    public async Task The_runtime_gets_the_same_path_however_the_client_writes_it(string path)
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var seen = "";
        await gateway.ServeAsync(
            "chat",
            http =>
            {
                seen = http.Request.Path;
                return http.Response.WriteAsync("{}", Ct);
            }
        );
        using var response = await gateway.PostAsync(path, """{"model":"chat","messages":[]}""");

        Assert.Equal((HttpStatusCode.OK, "/base/v1/chat/completions"), (response.StatusCode, seen));
    }

    [Theory]
    [InlineData("{}", """{"include_usage":true}""")]
    [InlineData("""{"chunk_include_usage":true}""", """{"include_usage":true,"chunk_include_usage":true}""")]
    [InlineData("""{"a":1,"include_usage":false,"b":[2]}""", """{"a":1,"include_usage":true,"b":[2]}""")]
    [InlineData("""{"include_usage":true,"a":1}""", """{"include_usage":true,"a":1}""")]
    [InlineData("null", """{"include_usage":true}""")]
    public async Task Other_stream_options_reach_the_runtime(string sent, string expected)
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var got = "";
        await gateway.ServeAsync(
            "chat",
            async http =>
            {
                using var reader = new StreamReader(http.Request.Body);
                got = await reader.ReadToEndAsync(Ct);
                http.Response.ContentType = "text/event-stream";
                await http.Response.WriteAsync("data: [DONE]\n\n", Ct);
            }
        );
        using var response = await gateway.PostAsync(
            "/v1/chat/completions",
            $$"""{"model":"chat","stream":true,"stream_options":{{sent}},"messages":[]}"""
        );

        using var body = JsonDocument.Parse(got);
        Assert.Equal(expected, body.RootElement.GetProperty("stream_options").GetRawText());
    }

    [Fact]
    public async Task Too_long_prompts_are_recognised_by_the_words_and_the_code_of_OpenAI()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await gateway.ServeAsync("chat", http => http.Response.WriteAsync("""{"count":90}""", Ct), context: 50);
        var (status, error) = await gateway.RefusedAsync("/v1/chat/completions", """{"model":"chat","messages":[]}""");

        Assert.Equal((413, "CTX_TOO_LARGE"), (status, error.GetProperty("code").GetString()));
        Assert.Contains("maximum context length", error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("context_length_exceeded", error.GetProperty("openai_code").GetString());
    }

    [Fact]
    public async Task Pages_of_configured_origins_may_call_and_others_may_not()
    {
        const string page = "https://chat.example.org";
        await using var closed = await GatewayFixture.StartAsync();
        await using var open = await GatewayFixture.StartAsync(
            new GatewayFixture { Settings = { ["CorsOrigins:0"] = page } }
        );
        (string, string)[] question =
        [
            ("Origin", page),
            ("Access-Control-Request-Method", "POST"),
            ("Access-Control-Request-Headers", "authorization, x-stainless-lang"),
        ];
        using var refused = await closed.SendAsync("OPTIONS", "/v1/chat/completions", null, question);
        using var allowed = await open.SendAsync("OPTIONS", "/v1/chat/completions", null, question);
        using var foreign = await open.SendAsync(
            "OPTIONS",
            "/v1/chat/completions",
            null,
            [("Origin", "https://else"), .. question[1..]]
        );
        using var error = await open.SendAsync("POST", "/v1/chat/completions", null, ("Origin", page));

        Assert.Equal(HttpStatusCode.MethodNotAllowed, refused.StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, allowed.StatusCode);
        Assert.Equal(page, allowed.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.Equal("POST", allowed.Headers.GetValues("Access-Control-Allow-Methods").Single());
        Assert.Equal(
            "authorization, x-stainless-lang",
            string.Join(", ", allowed.Headers.GetValues("Access-Control-Allow-Headers"))
        );
        Assert.False(foreign.Headers.Contains("Access-Control-Allow-Origin"));
        Assert.Equal(page, error.Headers.GetValues("Access-Control-Allow-Origin").Single());
        Assert.Contains(
            "X-Request-Id",
            error.Headers.GetValues("Access-Control-Expose-Headers").Single(),
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData("/v1/rerank", """{"model":"chat","query":"q","documents":["d"]}""")]
    [InlineData("/v1/score", """{"model":"chat","text_1":"q","text_2":["d"]}""")]
    [InlineData("/tokenize", """{"model":"chat","prompt":"q"}""")]
    [InlineData("/detokenize", """{"model":"chat","tokens":[1]}""")]
    [InlineData("/v1/audio/speech", """{"model":"chat","input":"q","voice":"v"}""")]
    public async Task Other_paths_of_runtimes_pass_and_a_firewall_refuses_what_nobody_reads(string path, string body)
    {
        var seen = new List<string>();
        await using var gateway = await GatewayFixture.StartAsync();
        await gateway.ServeAsync(
            "chat",
            async http =>
            {
                using var reader = new StreamReader(http.Request.Body);
                seen.Add(http.Request.Path + " " + await reader.ReadToEndAsync(Ct));
                http.Response.ContentType = "audio/mpeg";
                await http.Response.Body.WriteAsync(new byte[] { 1, 2, 3 }, Ct);
            }
        );
        using var response = await gateway.PostAsync(path, body);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("audio/mpeg", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(new byte[] { 1, 2, 3 }, await response.Content.ReadAsByteArrayAsync(Ct));
        Assert.Equal($"/base{path} {body}", Assert.Single(seen));

        await gateway
            .Cluster.Firewalls(GatewayFixture.Account)
            .CreateAsync(
                "strict",
                new FirewallDraft
                {
                    Mode = FirewallMode.Block,
                    Judge = "chat",
                    Rules = ["jailbreak"],
                },
                new CommandContext(new RequestId("req-0"), "test", null)
            );
        var (status, error) = await gateway.RefusedAsync(
            path,
            body.Replace("{\"model\"", "{\"firewall\":\"strict\",\"model\"")
        );
        Assert.Equal((503, "JUDGE_UNREACHABLE"), (status, error.GetProperty("code").GetString()));
        Assert.Equal("NOT_TEXT", error.GetProperty("details").GetProperty("why").GetString());
        Assert.Single(seen);
    }

    [Fact]
    public async Task A_form_passes_with_the_name_of_its_destination()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        IFormCollection? got = null;
        await gateway.ServeAsync(
            "hear",
            async http =>
            {
                got = await http.Request.ReadFormAsync(Ct);
                await http.Response.WriteAsync("""{"text":"hi"}""", Ct);
            }
        );
        gateway.Balance(null, "hear");
        using var form = new MultipartFormDataContent
        {
            { new ByteArrayContent([0, 1, 13, 10, 45, 45]), "file", "a.wav" },
            { new StringContent("front"), "model" },
            { new StringContent("de"), "language" },
        };
        using var response = await gateway.SendAsync("POST", "/v1/audio/transcriptions", form);
        using var json = new StringContent("{}", Encoding.UTF8, "application/json");
        using var wrong = await gateway.SendAsync("POST", "/v1/audio/transcriptions", json);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(("hear", "de"), (got!["model"].Single(), got["language"].Single()));
        Assert.Equal(6, got.Files.Single().Length);
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
    }

    [Theory]
    [InlineData(InstanceState.Stopped, false)]
    [InlineData(InstanceState.Starting, true)]
    public async Task A_client_is_told_to_retry_only_where_that_can_help(InstanceState state, bool helps)
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var one = await gateway.ServeAsync("one", _ => Task.CompletedTask);
        one.Put(one.Record with { State = state });
        gateway.Balance(null, "one");
        using var response = await gateway.PostAsync("/v1/chat/completions", """{"model":"front","messages":[]}""");

        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal(helps, response.Headers.RetryAfter is not null);
        Assert.Equal(!helps, response.Headers.Contains("X-Should-Retry"));
    }
}
