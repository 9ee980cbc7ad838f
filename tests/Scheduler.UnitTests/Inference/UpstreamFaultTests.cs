using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Balancers;
using Scheduler.UnitTests.Inference.Balancers;
using Xunit;

namespace Scheduler.UnitTests.Inference;

/// <summary>What the answers of runtimes mean: for the client, for the next destination, and for the destination.</summary>
public sealed class UpstreamFaultTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Hello = """{"model":"front","messages":[{"role":"user","content":"hello"}]}""";
    private const string HelloStream =
        """{"model":"front","stream":true,"messages":[{"role":"user","content":"hello"}]}""";
    private const string Event = "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>One failure would eject for an hour, so an ejected destination is asked no more.</summary>
    private static HealthSettings Strict { get; } =
        PickerWorld.Calm with
        {
            ConsecutiveFailures = 1,
            MostEjectedPercent = 100,
            EjectFor = TimeSpan.FromHours(1),
            EjectAtMost = TimeSpan.FromHours(1),
        };

    [Theory]
    [InlineData(429, null, 429, "RATE_LIMITED", 1)]
    [InlineData(503, null, 429, "RATE_LIMITED", 1)]
    [InlineData(503, 7, 429, "RATE_LIMITED", 7)]
    [InlineData(400, null, 400, "INVALID_REQUEST", null)]
    [InlineData(404, null, 400, "INVALID_REQUEST", null)]
    [InlineData(405, null, 400, "INVALID_REQUEST", null)]
    [InlineData(422, null, 400, "INVALID_REQUEST", null)]
    [InlineData(501, null, 400, "INVALID_REQUEST", null)]
    [InlineData(500, null, 502, "RUNTIME_ERROR", 1)]
    public async Task An_answer_that_every_destination_gives_ejects_none(
        int status,
        int? runtimesWait,
        int expected,
        string code,
        int? wait
    )
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var asked = 0;
        foreach (var name in new[] { "a", "b" })
        {
            await gateway.ServeAsync(
                name,
                async http =>
                {
                    Interlocked.Increment(ref asked);
                    http.Response.StatusCode = status;
                    if (runtimesWait is { } seconds)
                    {
                        http.Response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
                    }

                    await http.Response.WriteAsync("""{"error":{"message":"so it is"}}""", Ct);
                }
            );
        }

        gateway.Balance(Strict, "a", "b");
        for (var i = 0; i < 6; i++)
        {
            using var response = await gateway.PostAsync(Chat, Hello);
            using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Ct));
            var error = body.RootElement.GetProperty("error");
            Assert.Equal((expected, code), ((int)response.StatusCode, error.GetProperty("code").GetString()));
            Assert.Contains("so it is", error.GetRawText(), StringComparison.Ordinal);
            Assert.Equal(wait, (int?)response.Headers.RetryAfter?.Delta?.TotalSeconds);
        }

        // The caller's fault is told at once; other answers may differ elsewhere.
        Assert.Equal(status is 400 or 422 ? 6 : 12, asked);
    }

    [Theory]
    [InlineData(429, false)]
    [InlineData(503, false)]
    [InlineData(501, false)]
    [InlineData(404, false)]
    [InlineData(500, true)]
    [InlineData(502, true)]
    [InlineData(504, true)]
    public async Task Another_destination_answers_and_only_an_ill_one_is_ejected(int status, bool isIll)
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var asked = 0;
        await gateway.ServeAsync(
            "a",
            http =>
            {
                Interlocked.Increment(ref asked);
                http.Response.StatusCode = status;
                return Task.CompletedTask;
            }
        );
        await gateway.ServeAsync("b", http => http.Response.WriteAsync("{}", Ct));
        gateway.Balance(Strict, "a", "b");
        for (var i = 0; i < 8; i++)
        {
            using var response = await gateway.PostAsync(Chat, Hello);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        Assert.Equal(isIll, asked == 1);
    }

    [Theory]
    [InlineData("")]
    [InlineData(": waiting for a slot\n\n")]
    [InlineData("data: {\"choi")]
    public async Task A_stream_that_breaks_before_its_first_event_comes_whole_from_another_destination(string sent)
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await gateway.ServeAsync(
            "a",
            async http =>
            {
                http.Response.ContentType = "text/event-stream";
                await http.Response.WriteAsync(sent, Ct);
                await http.Response.Body.FlushAsync(Ct);
                http.Abort();
            }
        );
        await gateway.ServeAsync("b", http => StreamAsync(http, Event + "data: [DONE]\n\n"));
        gateway.Balance(null, "a", "b");
        for (var i = 0; i < 4; i++)
        {
            using var response = await gateway.PostAsync(Chat, HelloStream);
            var text = await response.Content.ReadAsStringAsync(Ct);
            Assert.EndsWith(Event + "data: [DONE]\n\n", text, StringComparison.Ordinal);
            Assert.DoesNotContain("error", text, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData(Event, true)]
    [InlineData(
        "data: {\"choices\":[{\"finish_reason\":null,\"delta\":{\"content\":\"\\\"finish_reason\\\":\\\"stop\\\"\"}}]}\n\n",
        true
    )]
    [InlineData(Event + "data: {\"choices\":[{\"finish_reason\": \"stop\"}]}\n\n", false)]
    [InlineData(Event + "data: [DONE]\n\n", false)]
    public async Task A_stream_without_its_end_mark_ends_with_an_error_event(string sent, bool isCut)
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await gateway.ServeAsync("one", http => StreamAsync(http, sent));
        using var response = await gateway.PostAsync(Chat, HelloStream.Replace("front", "one"));
        var text = await response.Content.ReadAsStringAsync(Ct);

        Assert.StartsWith(sent, text, StringComparison.Ordinal);
        Assert.Equal(isCut, text.Contains("\"code\":\"RUNTIME_ERROR\"", StringComparison.Ordinal));
        var id = response.Headers.GetValues("X-Request-Id").Single();
        var kept = await gateway.KeptAsync(id);
        Assert.Equal((200, isCut ? "RUNTIME_ERROR" : "OK"), (kept.Status, kept.Code));
    }

    [Fact]
    public async Task A_waiting_stream_gets_a_comment_every_ten_seconds_and_then_its_events_or_error()
    {
        var clock = new FakeTimeProvider();
        await using var gateway = await GatewayFixture.StartAsync(new GatewayFixture { Clock = clock });
        var (arrived, mayAnswer) = (new SemaphoreSlim(0), new TaskCompletionSource<int>());
        await gateway.ServeAsync(
            "one",
            async http =>
            {
                arrived.Release();
                http.Response.StatusCode = await mayAnswer.Task;
                await StreamAsync(http, Event + "data: [DONE]\n\n");
            }
        );
        var sending = gateway.PostAsync(
            Chat,
            HelloStream.Replace("front", "one"),
            HttpCompletionOption.ResponseHeadersRead
        );
        await arrived.WaitAsync(Ct);
        clock.Advance(TimeSpan.FromSeconds(9.9));
        Assert.False(sending.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(0.1));
        using var response = await sending;
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Ct));
        await CommentAsync();
        var next = CommentAsync();
        while (!next.IsCompleted)
        {
            // The timer is set again a moment after the client has its comment.
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.WhenAny(next, Task.Delay(10, Ct));
        }

        await next;

        // The stream has begun, so this refusal can only be an event.
        mayAnswer.SetResult(400);
        var rest = (await reader.ReadToEndAsync(Ct)).Replace(": waiting\n\n", "", StringComparison.Ordinal);
        Assert.StartsWith("data: {\"error\":", rest, StringComparison.Ordinal);
        Assert.Contains("INVALID_REQUEST", rest, StringComparison.Ordinal);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);

        async Task CommentAsync()
        {
            Assert.Equal(": waiting", await reader.ReadLineAsync(Ct));
            Assert.Equal("", await reader.ReadLineAsync(Ct));
        }
    }

    private static async Task StreamAsync(HttpContext http, string text)
    {
        http.Response.ContentType = "text/event-stream";
        await http.Response.WriteAsync(text, Encoding.UTF8, Ct);
    }
}
