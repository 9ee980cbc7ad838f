using System.Net;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains;
using Scheduler.TestKit;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Inference.Balancers;

/// <summary>
/// Balancers behind the real gateway: retries before the first byte, refusals and names that change their target.
/// </summary>
public sealed class BalancerGatewayTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Hello = """{"model":"front","messages":[{"role":"user","content":"hello"}]}""";
    private const string HelloStream =
        """{"model":"front","stream":true,"messages":[{"role":"user","content":"hello"}]}""";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(Hello)]
    [InlineData(HelloStream)]
    public async Task A_request_that_fails_before_the_first_byte_is_retried_on_another_member(string body)
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var asked = 0;
        await gateway.ServeAsync(
            "a",
            http =>
            {
                Interlocked.Increment(ref asked);
                http.Abort();
                return Task.CompletedTask;
            }
        );
        await gateway.ServeAsync("b", AnswerAsync);
        var pair = PickerWorld.Group(GroupPolicy.WeightedRoundRobin, ("a", 1), ("b", 1));
        var hour = TimeSpan.FromHours(1);
        Put(gateway, pair with { Health = PickerWorld.Calm with { EjectFor = hour, EjectAtMost = hour } });

        for (var i = 0; i < 12; i++)
        {
            using var response = await gateway.PostAsync(Chat, body);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.Equal("b", response.Headers.GetValues("X-Instance").Single());
            Assert.Contains("hi", await response.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        }

        // Two failures in a row eject it; later requests do not try it.
        Assert.Equal(2, asked);
    }

    [Fact]
    public async Task Each_runtime_gets_its_own_model_name_and_a_500_is_retried_elsewhere()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var seen = new List<string>();
        await gateway.ServeAsync(
            "a",
            async http =>
            {
                await KeepAsync(http, seen);
                http.Response.StatusCode = 500;
            }
        );
        await gateway.ServeAsync(
            "b",
            async http =>
            {
                await KeepAsync(http, seen);
                await AnswerAsync(http);
            }
        );
        Put(gateway, PickerWorld.Group(GroupPolicy.WeightedRoundRobin, ("a", 1000), ("b", 1)));
        using var response = await gateway.PostAsync(Chat, Hello);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(["a", "b"], seen.Where(name => name.Length > 0));
    }

    [Fact]
    public async Task Without_a_healthy_destination_the_error_gives_the_reason_for_each()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var stopped = await gateway.ServeAsync("a", AnswerAsync);
        stopped.Put(stopped.Record with { State = InstanceState.Stopped, Allocation = null });
        Put(gateway, PickerWorld.Group(GroupPolicy.LeastOutstanding, ("a", 1), ("gone", 1)));
        var (status, error) = await gateway.RefusedAsync(Chat, Hello);

        Assert.Equal(503, status);
        Assert.Equal("NO_HEALTHY_DESTINATION", error.GetProperty("code").GetString());
        Assert.StartsWith("Start `a`.", error.GetProperty("hint").GetString(), StringComparison.Ordinal);
        var message = error.GetProperty("message").GetString();
        Assert.Contains("a (stopped)", message, StringComparison.Ordinal);
        Assert.Contains("gone (no instance has this name)", message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stopped_members_and_balancer_updates_take_effect_at_once()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var a = await gateway.ServeAsync("a", AnswerAsync);
        await gateway.ServeAsync("b", AnswerAsync);
        await gateway.ServeAsync("c", AnswerAsync);
        var balancer = Put(gateway, PickerWorld.Group(GroupPolicy.WeightedRoundRobin, ("a", 1), ("b", 1)));
        Assert.Equal(["a", "b"], (await WhereAsync(gateway, 6)).Order());

        a.Put(a.Record with { State = InstanceState.Stopping });
        await UntilAsync(async () => (await WhereAsync(gateway, 4)).SetEquals(["b"]));
        balancer.Put(balancer.Record with { Spec = PickerWorld.Group(GroupPolicy.LeastOutstanding, ("c", 1)) });
        await UntilAsync(async () => (await WhereAsync(gateway, 4)).SetEquals(["c"]));

        balancer.Put(balancer.Record with { DeletedAt = DateTimeOffset.UnixEpoch });
        await UntilAsync(async () =>
        {
            using var response = await gateway.PostAsync(Chat, Hello);
            return response.StatusCode == HttpStatusCode.NotFound;
        });
    }

    [Fact]
    public async Task A_balancer_is_listed_among_the_models()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await gateway.ServeAsync("a", AnswerAsync);
        Put(gateway, PickerWorld.Group(GroupPolicy.LeastOutstanding, ("a", 1)));
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models");
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {gateway.Key}");
        using var response = await gateway.Http.SendAsync(request, Ct);
        using var list = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Ct));
        Assert.Equal(
            ["a", "front"],
            list.RootElement.GetProperty("data").EnumerateArray().Select(model => model.GetProperty("id").GetString())
        );
    }

    [Fact]
    public async Task A_request_too_large_for_one_member_goes_to_a_larger_one_and_ejects_none()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await gateway.ServeAsync("small", CountAsync, context: 400);
        await gateway.ServeAsync("large", CountAsync, context: 100_000);
        Put(gateway, PickerWorld.Group(GroupPolicy.WeightedRoundRobin, ("small", 1000), ("large", 1)));
        var body = $$"""
            {"model":"front","max_tokens":500,"messages":[{"role":"user","content":"{{new string('x', 400)}}"}]}
            """;
        for (var i = 0; i < 5; i++)
        {
            using var response = await gateway.PostAsync(Chat, body);
            Assert.Equal("large", response.Headers.GetValues("X-Instance").Single());
        }

        Assert.Contains("small", await WhereAsync(gateway, 4));
    }

    [Fact]
    public async Task The_router_model_is_called_as_an_instance_and_its_answer_is_used()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        string? asked = null;
        await gateway.ServeAsync(
            "router",
            async http =>
            {
                using var reader = new StreamReader(http.Request.Body);
                asked = await reader.ReadToEndAsync(Ct);
                http.Response.ContentType = "application/json";
                await http.Response.WriteAsync("""{"choices":[{"message":{"content":"{\"route\": \"code\"}"}}]}""", Ct);
            }
        );
        await gateway.ServeAsync("coder", AnswerAsync);
        await gateway.ServeAsync("chat", AnswerAsync);
        Put(
            gateway,
            new BalancerSpec
            {
                RoutingMode = RoutingMode.IntentClassifier,
                Routes =
                [
                    new BalancerRoute
                    {
                        Name = "code",
                        Intent = "programs",
                        Instance = "coder",
                    },
                    new BalancerRoute
                    {
                        Name = "rest",
                        Instance = "chat",
                        IsDefault = true,
                    },
                ],
                Router = new RouterModel("router", TimeSpan.FromSeconds(10)),
                Health = PickerWorld.Calm,
            }
        );

        Assert.Equal(["coder"], await WhereAsync(gateway, 2));
        Assert.Contains("hello", asked, StringComparison.Ordinal);
        Assert.Contains("json_schema", asked, StringComparison.Ordinal);
    }

    private static FakeBalancer Put(GatewayFixture gateway, BalancerSpec spec)
    {
        var balancer = (FakeBalancer)gateway.Cluster.Balancer(new BalancerId("bal-aaaaaaaaaaaaaaaaaaaa"));
        balancer.Put(
            new BalancerRecord
            {
                Account = GatewayFixture.Account,
                ServingName = "front",
                Spec = spec,
            }
        );
        return balancer;
    }

    private static async Task<HashSet<string>> WhereAsync(GatewayFixture gateway, int requests)
    {
        var went = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < requests; i++)
        {
            using var response = await gateway.PostAsync(Chat, Hello);
            went.Add(response.Headers.GetValues("X-Instance").Single());
        }

        return went;
    }

    private static Task<bool> UntilAsync(Func<Task<bool>> isSo) =>
        Eventually.UntilAsync(isSo, so => so, "the gateway applies the change");

    private static async Task AnswerAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        var isStream = (await reader.ReadToEndAsync(Ct)).Contains("\"stream\":true", StringComparison.Ordinal);
        http.Response.ContentType = isStream ? "text/event-stream" : "application/json";
        await http.Response.WriteAsync(
            isStream
                ? "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\ndata: [DONE]\n\n"
                : """{"choices":[{"message":{"content":"hi"}}]}""",
            Encoding.UTF8,
            Ct
        );
    }

    /// <summary>A runtime that counts every prompt as 300 tokens.</summary>
    private static Task CountAsync(HttpContext http) =>
        http.Request.Path == "/base/tokenize"
            ? http.Response.WriteAsync("""{"count":300,"tokens":[]}""", Ct)
            : AnswerAsync(http);

    private static async Task KeepAsync(HttpContext http, List<string> seen)
    {
        http.Request.EnableBuffering();
        using var reader = new StreamReader(http.Request.Body, leaveOpen: true);
        using var body = JsonDocument.Parse(await reader.ReadToEndAsync(Ct));
        seen.Add(body.RootElement.GetProperty("model").GetString()!);
        http.Request.Body.Position = 0;
    }
}
