using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Scheduler.Domain.Keys;
using Scheduler.Edge.Limits;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.UnitTests.Inference;

/// <summary>Large bodies and answers of many requests within one small budget.</summary>
public sealed class GatewayMemoryTests
{
    private const string Chat = "/v1/chat/completions";
    private const int BudgetMiB = 16;
    private const int Mebi = 1 << 20;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Many_large_bodies_at_once_stay_within_the_budget_and_the_rest_is_refused_unread()
    {
        const int pushed = 48;
        const int fitting = BudgetMiB / 2;
        await using var gateway = await StartAsync();
        var budget = gateway.Services.GetRequiredService<MemoryBudget>();
        var (held, release) = (new ConcurrentBag<long>(), new TaskCompletionSource());
        await gateway.ServeAsync(
            "chat",
            async http =>
            {
                await http.Request.Body.CopyToAsync(Stream.Null, Ct);
                held.Add(budget.Held);
                await release.Task;
                await AnswerAsync(http, "{}");
            },
            context: int.MaxValue
        );
        var keys = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => gateway.KeyAsync(KeyRole.Full)));

        var answers = Enumerable.Range(0, pushed).Select(i => PushAsync(gateway, keys[i % keys.Length])).ToList();
        var refusals = new List<(HttpStatusCode Status, string Code, string? RetryAfter)>();
        while (refusals.Count < pushed - fitting)
        {
            var done = await Task.WhenAny(answers);
            answers.Remove(done);
            refusals.Add(await done);
        }

        release.SetResult();
        Assert.All(refusals, one => Assert.Equal((HttpStatusCode.TooManyRequests, "RATE_LIMITED", "1"), one));
        Assert.All(await Task.WhenAll(answers), one => Assert.Equal(HttpStatusCode.OK, one.Status));
        Assert.Equal(fitting, held.Count);
        Assert.All(held, bytes => Assert.InRange(bytes, 1, budget.Bound));
        await Eventually.UntilAsync(
            async () => (await PushAsync(gateway, keys[0])).Status,
            status => status == HttpStatusCode.OK,
            "a later body fits"
        );
        await GivenBackAsync(budget);
    }

    [Fact]
    public async Task A_body_of_unknown_length_is_refused_when_it_no_longer_fits()
    {
        await using var gateway = await StartAsync();
        await gateway.ServeAsync("chat", http => AnswerAsync(http, "{}"), context: int.MaxValue);
        var budget = gateway.Services.GetRequiredService<MemoryBudget>();
        Assert.True(budget.TryTake(budget.Bound - Mebi));
        using var refused = await gateway.SendAsync("POST", Chat, new UnknownLength(Body(Mebi)));
        budget.GiveBack(budget.Bound - Mebi);
        using var passed = await gateway.SendAsync("POST", Chat, new UnknownLength(Body(Mebi)));

        Assert.Equal((HttpStatusCode)429, refused.StatusCode);
        Assert.Equal(HttpStatusCode.OK, passed.StatusCode);
        await GivenBackAsync(budget);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_long_answer_that_no_longer_fits_is_passed_on_as_it_arrives(bool hasLength)
    {
        await using var gateway = await StartAsync();
        var budget = gateway.Services.GetRequiredService<MemoryBudget>();
        var text = $$$"""{"x":"{{{new string('y', Mebi / 2)}}}","usage":{"prompt_tokens":3,"completion_tokens":2}}""";
        var taken = 0L;
        await gateway.ServeAsync(
            "chat",
            async http =>
            {
                taken = budget.Bound - budget.Held;
                Assert.True(budget.TryTake(taken));
                http.Response.ContentLength = hasLength ? text.Length : null;
                await AnswerAsync(http, text);
            }
        );

        using var answer = await gateway.PostAsync(Chat, """{"model":"chat","messages":[]}""");
        var got = await answer.Content.ReadAsStringAsync(Ct);
        budget.GiveBack(taken);

        Assert.Equal(text, got);
        Assert.Equal(3, (await gateway.KeptAsync(answer.Headers.GetValues("X-Request-Id").Single())).PromptTokens);
        await GivenBackAsync(budget);
    }

    [Fact]
    public async Task A_long_event_that_no_longer_fits_is_passed_on_in_pieces()
    {
        await using var gateway = await StartAsync();
        var budget = gateway.Services.GetRequiredService<MemoryBudget>();
        var text = $"data: {{\"x\":\"{new string('y', Mebi / 2)}\"}}\n\ndata: [DONE]\n\n";
        var taken = 0L;
        await gateway.ServeAsync(
            "chat",
            async http =>
            {
                taken = budget.Bound - budget.Held;
                Assert.True(budget.TryTake(taken));
                http.Response.ContentType = "text/event-stream";
                await http.Response.WriteAsync(text, Ct);
            }
        );

        using var answer = await gateway.PostAsync(Chat, """{"model":"chat","stream":true,"messages":[]}""");
        var got = await answer.Content.ReadAsStringAsync(Ct);
        budget.GiveBack(taken);

        Assert.Equal(text, got);
        await GivenBackAsync(budget);
    }

    /// <summary>A request gives back its share when it ends on the server, which is after the client has its answer.</summary>
    private static Task GivenBackAsync(MemoryBudget budget) =>
        Eventually.TrueAsync(() => budget.Held == 0, "all is given back");

    private static Task<GatewayFixture> StartAsync() =>
        GatewayFixture.StartAsync(
            new GatewayFixture { MemorySettings = new Dictionary<string, string> { ["BudgetMiB"] = $"{BudgetMiB}" } }
        );

    private static Task AnswerAsync(HttpContext http, string json)
    {
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(json, Ct);
    }

    private static byte[] Body(int bytes)
    {
        const string head = """{"model":"chat","messages":[{"role":"user","content":" """;
        const string end = "\"}]}";
        return Encoding.ASCII.GetBytes(head + new string('a', bytes - head.Length - end.Length) + end);
    }

    private static async Task<(HttpStatusCode Status, string Code, string? RetryAfter)> PushAsync(
        GatewayFixture gateway,
        string key
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat)
        {
            Content = new ByteArrayContent(Body(Mebi)),
        };
        request.Content.Headers.ContentType = new("application/json");
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {key}");
        using var answer = await gateway.Http.SendAsync(request, Ct);
        var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(Ct)).RootElement;
        return (
            answer.StatusCode,
            json.TryGetProperty("error", out var error) ? error.GetProperty("code").GetString()! : "",
            answer.Headers.RetryAfter?.ToString()
        );
    }

    private sealed class UnknownLength : HttpContent
    {
        private readonly byte[] _bytes;

        public UnknownLength(byte[] bytes)
        {
            _bytes = bytes;
            Headers.ContentType = new("application/json");
        }

        protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) =>
            stream.WriteAsync(_bytes, 0, _bytes.Length, Ct);

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
