using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Runtimes;
using Scheduler.Grains;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Inference.Dialects;

/// <summary>The Messages and the Responses API through the whole gateway.</summary>
public sealed class DialectGatewayTests
{
    private const string Messages = "/v1/messages";
    private const string Responses = "/v1/responses";
    private const string Chat = "/base/v1/chat/completions";
    private const string AskMessage = """{"model":"chat","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}""";
    private const string AskResponse = """{"model":"chat","input":"Hi"}""";
    private const string Whole =
        """{"choices":[{"finish_reason":"stop","message":{"content":"Hello"}}],"usage":{"prompt_tokens":7,"completion_tokens":2}}""";
    private const string Text = "data: {\"choices\":[{\"delta\":{\"content\":\"Hello\"}}]}\n\n";
    private const string Finish = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";
    private const string Usage =
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":2}}\n\ndata: [DONE]\n\n";

    private readonly ConcurrentQueue<(string Path, string Body, string Headers)> _received = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Messages, AskMessage)]
    [InlineData(Responses, AskResponse)]
    public async Task A_runtime_that_speaks_the_dialect_gets_the_body_and_its_answer_passes_unchanged(
        string path,
        string ask
    )
    {
        const string answer = """{"anything":1,"usage":{"input_tokens":7,"output_tokens":2}}""";
        var gateway = await StartAsync((_, _) => answer);
        var usage = (FakeUsage)gateway.Cluster.Usage(new Domain.Ids.InstanceId("i-chat"));
        await using (gateway)
        {
            using var response = await gateway.SendAsync(
                "POST",
                path,
                new StringContent(ask, Encoding.UTF8, "application/json"),
                ("anthropic-version", "2023-06-01"),
                ("anthropic-beta", "a,b")
            );

            Assert.Equal(answer, await response.Content.ReadAsStringAsync(Ct));
            var sent = Assert.Single(_received);
            Assert.Equal(($"/base{path}", ask), (sent.Path, sent.Body));
            Assert.Equal(path == Messages, sent.Headers.Contains("anthropic-beta: a,b", StringComparison.Ordinal));
            Assert.DoesNotContain("sk-", sent.Headers, StringComparison.Ordinal);
        }

        Assert.Equal(new ServedUsage(1, 7, 2), usage.Record.Total);
    }

    [Theory]
    [InlineData(Messages, AskMessage, 404, 3)]
    [InlineData(Messages, AskMessage, 400, 4)]
    [InlineData(Responses, AskResponse, 500, 4)]
    [InlineData(Responses, AskResponse, 501, 3)]
    [InlineData(Responses, AskResponse, 405, 3)]
    public async Task A_runtime_without_the_dialect_gets_a_chat_and_is_remembered(
        string path,
        string ask,
        int status,
        int calls
    )
    {
        await using var gateway = await StartAsync((asked, _) => asked == Chat ? Whole : $"{status}");

        for (var i = 0; i < 2; i++)
        {
            using var response = await gateway.PostAsync(path, ask);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Contains("Hello", await response.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
            Assert.Equal("chat", response.Headers.GetValues("X-Instance").Single());
        }

        Assert.Equal(calls, _received.Count);
    }

    [Theory]
    [InlineData(Messages, AskMessage, "message_start", "message_stop")]
    [InlineData(Responses, AskResponse, "response.created", "response.completed")]
    public async Task A_stream_is_translated_and_counted(string path, string ask, string first, string last)
    {
        var gateway = await StartAsync((asked, _) => asked == Chat ? Text + Finish + Usage : "404");
        var usage = (FakeUsage)gateway.Cluster.Usage(new Domain.Ids.InstanceId("i-chat"));
        await using (gateway)
        {
            using var response = await gateway.PostAsync(path, Streamed(ask));

            Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
            var events = Translations.Parse(await response.Content.ReadAsStringAsync(Ct));
            Assert.Equal((first, last), ((string?)events[0]["type"], (string?)events[^1]["type"]));
            Assert.Contains("\"include_usage\":true", _received.Last().Body, StringComparison.Ordinal);
        }

        Assert.Equal(new ServedUsage(1, 7, 2), usage.Record.Total);
    }

    [Theory]
    [InlineData(Messages, AskMessage)]
    [InlineData(Responses, AskResponse)]
    public async Task A_native_stream_passes_unchanged_and_is_counted(string path, string ask)
    {
        var stream =
            path == Messages
                ? "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":2,\"output_tokens\":1}}}\n\n"
                    + "event: message_delta\ndata: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":2}}\n\n"
                    + "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
                : "event: response.created\ndata: {\"response\":{\"usage\":null}}\n\n"
                    + "event: response.completed\ndata: {\"response\":{\"usage\":{\"input_tokens\":7,\"output_tokens\":2}}}\n\n";
        var gateway = await StartAsync((_, _) => stream);
        var usage = (FakeUsage)gateway.Cluster.Usage(new Domain.Ids.InstanceId("i-chat"));
        await using (gateway)
        {
            using var response = await gateway.PostAsync(path, Streamed(ask));
            Assert.Equal(stream, await response.Content.ReadAsStringAsync(Ct));
        }

        Assert.Equal(new ServedUsage(1, 7, 2), usage.Record.Total);
    }

    [Theory]
    [InlineData(Messages, AskMessage, true, "error")]
    [InlineData(Messages, AskMessage, false, "error")]
    [InlineData(Responses, AskResponse, true, "response.failed,error")]
    [InlineData(Responses, AskResponse, false, "error")]
    public async Task A_stream_that_breaks_ends_with_an_error_event(
        string path,
        string ask,
        bool translated,
        string last
    )
    {
        const string native = "event: message_start\ndata: {\"type\":\"message_start\"}\n\n";
        await using var gateway = await StartAsync(
            (asked, _) =>
                asked == Chat ? Text
                : translated ? "404"
                : native
        );

        using var response = await gateway.PostAsync(path, Streamed(ask));

        var events = Translations.Parse(await response.Content.ReadAsStringAsync(Ct));
        Assert.EndsWith(last, string.Join(',', Translations.Types(events)), StringComparison.Ordinal);
        Assert.Equal("RUNTIME_ERROR", (string?)events[^1]["error"]!["code"]);
        Assert.Contains("broke off", (string?)events[^1]["error"]!["message"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_error_of_the_runtime_in_its_stream_ends_the_translated_one()
    {
        await using var gateway = await StartAsync(
            (asked, _) => asked == Chat ? Text + "data: {\"error\":{\"message\":\"no memory\"}}\n\n" + Usage : "404"
        );

        using var response = await gateway.PostAsync(Messages, Streamed(AskMessage));

        var events = Translations.Parse(await response.Content.ReadAsStringAsync(Ct));
        Assert.Equal("error", (string?)events[^1]["type"]);
        Assert.Equal("api_error", (string?)events[^1]["error"]!["type"]);
        Assert.Equal("no memory", (string?)events[^1]["error"]!["details"]!["upstream_message"]);
    }

    [Fact]
    public async Task A_runtime_that_does_not_stream_is_translated_to_a_stream()
    {
        await using var gateway = await StartAsync((asked, _) => asked == Chat ? Whole : "404");

        using var response = await gateway.PostAsync(Messages, Streamed(AskMessage));

        var events = Translations.Parse(await response.Content.ReadAsStringAsync(Ct));
        Assert.Equal("message_stop", (string?)events[^1]["type"]);
    }

    [Theory]
    [InlineData(Messages, "", 401, "authentication_error", "AUTH_MISSING_TOKEN")]
    [InlineData(
        Messages,
        """{"model":"none","max_tokens":1,"messages":[]}""",
        404,
        "not_found_error",
        "MODEL_NOT_FOUND"
    )]
    [InlineData(Messages, """{"model":"chat"}""", 400, "invalid_request_error", "INVALID_REQUEST")]
    [InlineData("/v1/messages/batches", "{}", 404, "not_found_error", "NOT_FOUND")]
    [InlineData(
        Messages,
        """{"model":"small","max_tokens":9000,"messages":[]}""",
        400,
        "invalid_request_error",
        "CTX_TOO_LARGE"
    )]
    public async Task Errors_have_the_shape_of_the_Messages_API(
        string path,
        string body,
        int status,
        string type,
        string code
    )
    {
        await using var gateway = await StartAsync((_, _) => "404");
        await gateway.ServeAsync("small", http => http.Response.WriteAsync("""{"count":5}""", Ct));
        gateway.Key = body.Length == 0 ? "" : gateway.Key;

        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        if (gateway.Key.Length > 0)
        {
            request.Headers.Add("x-api-key", gateway.Key);
        }

        using var response = await gateway.Http.SendAsync(request, Ct);

        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(Ct))!;
        Assert.Equal((status, "error"), ((int)response.StatusCode, (string?)answer["type"]));
        Assert.Equal((type, code), ((string?)answer["error"]!["type"], (string?)answer["error"]!["code"]));
        Assert.Equal(response.Headers.GetValues("request-id").Single(), (string?)answer["request_id"]);
        Assert.Equal(
            code == "CTX_TOO_LARGE",
            ((string)answer["error"]!["message"]!).StartsWith(
                "input length and `max_tokens` exceed context limit: 5 + 9000 > 8192. ",
                StringComparison.Ordinal
            )
        );
    }

    [Theory]
    [InlineData("GET", "/v1/responses/resp_1")]
    [InlineData("DELETE", "/v1/responses/resp_1")]
    [InlineData("POST", "/v1/responses/resp_1/cancel")]
    public async Task A_stored_response_is_refused_with_the_reason(string method, string path)
    {
        await using var gateway = await StartAsync((_, _) => "404");

        using var response = await gateway.SendAsync(method, path);

        var error = JsonNode.Parse(await response.Content.ReadAsStringAsync(Ct))!["error"]!;
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.StartsWith("No response is stored here", (string?)error["message"]);
    }

    [Fact]
    public async Task Another_version_of_the_Messages_API_is_refused()
    {
        await using var gateway = await StartAsync((_, _) => "404");

        using var response = await gateway.SendAsync(
            "POST",
            Messages,
            new StringContent(AskMessage, Encoding.UTF8, "application/json"),
            ("anthropic-version", "2033-01-01")
        );

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("anthropic-version", await response.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(TokenizeShape.Vllm, "/base/tokenize")]
    [InlineData(TokenizeShape.LlamaServer, "/base/apply-template")]
    public async Task A_prompt_is_counted_by_the_tokenizer_of_the_runtime(TokenizeShape shape, string path)
    {
        await using var gateway = await StartAsync((_, _) => """{"count":3,"tokens":[1,2,3],"prompt":"Hi"}""", shape);

        using var response = await gateway.PostAsync(
            "/v1/messages/count_tokens",
            """{"model":"chat","system":"Rhyme.","messages":[{"role":"user","content":"Hi"}]}"""
        );

        Assert.Equal("""{"input_tokens":3}""", await response.Content.ReadAsStringAsync(Ct));
        Assert.Equal(path, _received.First().Path);
        Assert.Contains("Rhyme.", _received.First().Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_prompt_that_no_tokenizer_counts_is_refused()
    {
        await using var gateway = await StartAsync((_, _) => "404", tokenizer: null);

        using var response = await gateway.PostAsync("/v1/messages/count_tokens", AskMessage);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("cannot count", await response.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Messages, AskMessage, "event: ping\ndata: {\"type\":\"ping\"}\n\n")]
    [InlineData(Responses, AskResponse, ": waiting\n\n")]
    public async Task A_stream_that_waits_gets_signs_of_life_and_then_its_error(string path, string ask, string sign)
    {
        var clock = new FakeTimeProvider();
        await using var gateway = await GatewayFixture.StartAsync(new GatewayFixture { Clock = clock });
        var (arrived, mayAnswer) = (new SemaphoreSlim(0), new TaskCompletionSource());
        await gateway.ServeAsync(
            "chat",
            async http =>
            {
                arrived.Release();
                await mayAnswer.Task;
                http.Response.StatusCode = StatusCodes.Status400BadRequest;
            }
        );
        var sending = gateway.PostAsync(path, Streamed(ask), HttpCompletionOption.ResponseHeadersRead);
        await arrived.WaitAsync(Ct);
        clock.Advance(TimeSpan.FromSeconds(10));
        using var response = await sending;
        mayAnswer.SetResult();

        var text = await response.Content.ReadAsStringAsync(Ct);
        Assert.StartsWith(sign, text, StringComparison.Ordinal);
        var last = Assert.Single(Translations.Parse(text[sign.Length..]));
        Assert.Equal(("error", "INVALID_REQUEST"), ((string?)last["type"], (string?)last["error"]!["code"]));
    }

    [Fact]
    public async Task Several_keys_are_refused()
    {
        await using var gateway = await StartAsync((_, _) => Whole);
        using var request = new HttpRequestMessage(HttpMethod.Post, Messages);
        request.Content = new StringContent(AskMessage, Encoding.UTF8, "application/json");
        request.Headers.Add("x-api-key", [gateway.Key, "sk-other"]);

        using var response = await gateway.Http.SendAsync(request, Ct);

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
    }

    private static string Streamed(string ask) => $"{ask[..^1]},\"stream\":true}}";

    /// <summary>
    /// An instance <c>chat</c>. The runtime records each request and answers a status, JSON, or events.
    /// </summary>
    private async Task<GatewayFixture> StartAsync(
        Func<string, string, string> answer,
        TokenizeShape? tokenizer = TokenizeShape.Vllm
    )
    {
        var gateway = await GatewayFixture.StartAsync();
        await gateway.ServeAsync(
            "chat",
            async http =>
            {
                using var reader = new StreamReader(http.Request.Body);
                var body = await reader.ReadToEndAsync(Ct);
                var headers = string.Join('\n', http.Request.Headers.Select(one => $"{one.Key}: {one.Value}"));
                _received.Enqueue((http.Request.Path.Value!, body, headers));
                var said = answer(http.Request.Path.Value!, body);
                if (int.TryParse(said, out var status))
                {
                    http.Response.StatusCode = status;
                    return;
                }

                http.Response.ContentType = said.StartsWith('{') ? "application/json" : "text/event-stream";
                await http.Response.WriteAsync(said, Ct);
            },
            tokenizer: tokenizer
        );
        return gateway;
    }
}
