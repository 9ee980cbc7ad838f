using System.Collections.Immutable;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.Domain.Requests;
using Scheduler.Inference.Firewalls;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.UnitTests.Inference;

/// <summary>Every answer has a log line, and is found by its id and by the caller's.</summary>
public sealed class RequestTraceTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Secret = "my diagnosis is";
    private const string Hello = """{"model":"chat","messages":[{"role":"user","content":"my diagnosis is"}]}""";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("POST", Chat, """{"model":"nobody","messages":[]}""", 404, "MODEL_NOT_FOUND")]
    [InlineData("POST", Chat, """{"model":"small","messages":[{"content":"my diagnosis is"}]}""", 413, "CTX_TOO_LARGE")]
    [InlineData("POST", Chat, """{"model":"chat","firewall":"block","messages":[]}""", 403, "FIREWALL_BLOCKED")]
    [InlineData("POST", Chat, """{"model":"chat","firewall":"down","messages":[]}""", 503, "JUDGE_UNREACHABLE")]
    [InlineData("POST", Chat, """{"model":"full","messages":[{"content":"my diagnosis is"}]}""", 429, "RATE_LIMITED")]
    [InlineData(
        "POST",
        Chat,
        """{"model":"broken","messages":[{"content":"my diagnosis is"}]}""",
        502,
        "RUNTIME_ERROR"
    )]
    [InlineData("POST", Chat, """{"my diagnosis is""", 400, "INVALID_REQUEST")]
    [InlineData("GET", Chat, null, 405, "METHOD_NOT_ALLOWED")]
    [InlineData("POST", "/v1/my diagnosis is", "{}", 404, "NOT_FOUND")]
    [InlineData("GET", "/v1/accounts/acct-a/instances/i-aaaaaaaaaaaaaaaaaaaa", null, 404, "NOT_FOUND")]
    [InlineData("GET", "/v1/accounts/acct-a/instances?pageSize=x", null, 400, "INVALID_REQUEST")]
    public async Task A_refusal_is_in_the_log_and_found_by_both_ids(
        string method,
        string path,
        string? body,
        int status,
        string code
    )
    {
        await using var gateway = await OpenAsync();
        using var content = body is null
            ? null
            : new StringContent(body, System.Text.Encoding.UTF8, "application/json");
        using var response = await gateway.SendAsync(method, path, content, ("X-Client-Request-Id", "mine-1"));
        var id = response.Headers.GetValues("X-Request-Id").Single();

        Assert.Equal(
            (status, "mine-1"),
            ((int)response.StatusCode, response.Headers.GetValues("X-Correlation-Id").Single())
        );
        foreach (var sought in new[] { id, "mine-1" })
        {
            var found = await RequestAsync(gateway, sought);
            var answer = Assert.Single(found.GetProperty("answers").EnumerateArray().ToList());
            Assert.Equal(
                (id, "mine-1", status, code, "accounts/acct-a"),
                (
                    answer.GetProperty("requestId").GetString(),
                    answer.GetProperty("correlationId").GetString(),
                    answer.GetProperty("status").GetInt32(),
                    answer.GetProperty("code").GetString(),
                    answer.GetProperty("account").GetString()
                )
            );
            Assert.StartsWith("key-", answer.GetProperty("keyId").GetString(), StringComparison.Ordinal);
            Assert.DoesNotContain(Secret, found.GetRawText(), StringComparison.Ordinal);
        }

        var line = Assert.Single(
            gateway.Log.Lines,
            line => line.Contains("Scheduler.Requests.Refused", StringComparison.Ordinal)
        );
        Assert.Contains($"{status} {code}", line, StringComparison.Ordinal);
        Assert.DoesNotContain(
            gateway.Log.Lines.Where(one => one.Contains(" Scheduler.", StringComparison.Ordinal)),
            one => one.Contains(Secret, StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task A_request_without_a_key_is_found_by_operators_only()
    {
        await using var gateway = await OpenAsync();
        var key = gateway.Key;
        gateway.Key = "wrong";
        using var response = await gateway.PostAsync(Chat, Hello);
        var id = response.Headers.GetValues("X-Request-Id").Single();
        gateway.Key = key;
        await gateway.KeptAsync(id);

        using var own = await gateway.SendAsync("GET", $"/v1/requests/{id}");
        gateway.Key = await gateway.KeyAsync(KeyRole.Full, null);
        var found = await RequestAsync(gateway, id);

        Assert.Equal((401, 404), ((int)response.StatusCode, (int)own.StatusCode));
        Assert.Equal("AUTH_INVALID_TOKEN", found.GetProperty("answers")[0].GetProperty("code").GetString());
    }

    [Fact]
    public async Task Another_account_finds_nothing_INV_08()
    {
        await using var gateway = await OpenAsync();
        using var response = await gateway.SendAsync("POST", Chat, new StringContent("{"), ("X-Request-Id", "mine-2"));
        gateway.Key = await gateway.KeyAsync(KeyRole.Full, new AccountId("acct-b"));

        await gateway.KeptAsync("mine-2");
        foreach (var id in new[] { response.Headers.GetValues("X-Request-Id").Single(), "mine-2" })
        {
            using var theirs = await gateway.SendAsync("GET", $"/v1/requests/{id}");
            Assert.Equal(HttpStatusCode.NotFound, theirs.StatusCode);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answer_tells_its_destinations_times_and_tokens(bool isStream)
    {
        await using var gateway = await OpenAsync();
        gateway.Balance(null, "broken", "chat");
        for (var i = 0; i < 2; i++)
        {
            using var response = await gateway.PostAsync(
                Chat,
                Hello.Replace("\"chat\"", $"\"front\",\"stream\":{(isStream ? "true" : "false")}")
            );
            await response.Content.ReadAsStringAsync(Ct);
            var found = await RequestAsync(gateway, response.Headers.GetValues("X-Request-Id").Single());
            var answer = found.GetProperty("answers")[0];
            var tried = answer
                .GetProperty("attempts")
                .EnumerateArray()
                .Select(one => one.GetProperty("code").GetString())
                .ToList();
            Assert.Equal(
                ("OK", "front", 3, 2),
                (
                    answer.GetProperty("code").GetString(),
                    answer.GetProperty("servingName").GetString(),
                    answer.GetProperty("promptTokens").GetInt64(),
                    answer.GetProperty("completionTokens").GetInt64()
                )
            );
            Assert.Equal("OK", tried[^1]);
            Assert.All(tried[..^1], code => Assert.Equal("RUNTIME_ERROR", code));
            foreach (var part in new[] { "queued", "firstByte", "lastByte", "took" })
            {
                Assert.EndsWith("s", answer.GetProperty(part).GetString(), StringComparison.Ordinal);
            }
        }

        Assert.Contains(
            gateway.Log.Lines,
            line => line.Contains("broken RUNTIME_ERROR, i-chat OK", StringComparison.Ordinal)
        );
        Assert.Equal(
            2,
            gateway.Log.Lines.Count(line =>
                line.Contains("Scheduler.Requests.Answered", StringComparison.Ordinal)
                && line.Contains(Chat, StringComparison.Ordinal)
            )
        );
    }

    [Fact]
    public async Task Only_a_sample_of_good_answers_is_stored_and_every_refusal()
    {
        await using var gateway = await OpenAsync(
            new GatewayFixture { Firewalls = new OneGate(), RequestSettings = { ["SuccessesPerSecond"] = "0" } }
        );
        using var good = await gateway.PostAsync(Chat, Hello);
        var id = good.Headers.GetValues("X-Request-Id").Single();
        var refused = new List<string>();
        for (var i = 0; i < 20; i++)
        {
            using var bad = await gateway.PostAsync(Chat, "{");
            refused.Add(bad.Headers.GetValues("X-Request-Id").Single());
        }

        await Eventually.UntilAsync(
            () => Task.FromResult(gateway.Cluster.Requests.Stored.Count),
            stored => stored == 20,
            "the refusals are stored"
        );
        Assert.Equal(refused.Order(), gateway.Cluster.Requests.Stored.Select(one => one.Id.Value).Order());
        Assert.Equal("OK", (await RequestAsync(gateway, id)).GetProperty("answers")[0].GetProperty("code").GetString());
        Assert.DoesNotContain(gateway.Log.Lines, line => line.Contains("Requests.Answered", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_failing_store_delays_no_request_and_what_does_not_fit_is_counted_as_lost()
    {
        var (fails, lost) = (true, 0L);
        var gateway = new GatewayFixture { Firewalls = new OneGate(), RequestSettings = { ["MostWaiting"] = "100" } };
        gateway.Cluster.Requests.OnRecord = () =>
            Volatile.Read(ref fails) ? throw new TimeoutException() : Task.CompletedTask;
        await OpenAsync(gateway);
        await using (gateway)
        {
            using var listener = new System.Diagnostics.Metrics.MeterListener();
            listener.InstrumentPublished = (instrument, own) =>
            {
                if (instrument.Name == "scheduler.requests.lost")
                {
                    own.EnableMeasurementEvents(instrument);
                }
            };
            listener.SetMeasurementEventCallback<long>((_, value, _, _) => Interlocked.Add(ref lost, value));
            listener.Start();
            for (var i = 0; i < 100; i++)
            {
                using var bad = await gateway.PostAsync(Chat, "{");
                Assert.Equal(HttpStatusCode.BadRequest, bad.StatusCode);
            }

            for (var i = 0; i < 1000; i++)
            {
                gateway.Requests.Add(new AnsweredRequest { Id = new RequestId($"req-{i}"), Code = "X" });
            }

            Assert.InRange(Interlocked.Read(ref lost), 800, 1000);
            Volatile.Write(ref fails, false);
        }

        // The rest was written at the stop, and nothing twice.
        var stored = gateway.Cluster.Requests.Stored;
        Assert.Equal(1100, stored.Count + Interlocked.Read(ref lost));
        Assert.Equal(stored.Count, stored.DistinctBy(one => one.Id).Count());
    }

    private static async Task<GatewayFixture> OpenAsync(GatewayFixture? with = null)
    {
        var gateway = await GatewayFixture.StartAsync(with ?? new GatewayFixture { Firewalls = new OneGate() });
        await gateway.ServeAsync("chat", AnswerAsync);
        await gateway.ServeAsync("small", http => http.Response.WriteAsync("""{"count":90}""", Ct), context: 50);
        await gateway.ServeAsync(
            "full",
            http =>
            {
                http.Response.StatusCode = 429;
                return Task.CompletedTask;
            }
        );
        await gateway.ServeAsync(
            "broken",
            http =>
            {
                http.Response.StatusCode = 502;
                return Task.CompletedTask;
            }
        );
        return gateway;
    }

    private static async Task AnswerAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body);
        var isStream = (await reader.ReadToEndAsync(Ct)).Contains("\"stream\":true", StringComparison.Ordinal);
        http.Response.ContentType = isStream ? "text/event-stream" : "application/json";
        const string usage = "\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}";
        await http.Response.WriteAsync(
            isStream
                ? $"data: {{\"choices\":[{{}}]}}\n\ndata: {{\"choices\":[],{usage}}}\n\ndata: [DONE]\n\n"
                : $"{{{usage}}}",
            Ct
        );
    }

    private static async Task<JsonElement> RequestAsync(GatewayFixture gateway, string id)
    {
        var kept = await gateway.KeptAsync(id);
        using var response = await gateway.SendAsync("GET", $"/v1/requests/{id}");
        var text = await response.Content.ReadAsStringAsync(Ct);
        Assert.True(response.StatusCode == HttpStatusCode.OK, $"{kept} {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    /// <summary>Refuses by the slug of the request.</summary>
    private sealed class OneGate : IFirewallGate
    {
        public ValueTask<GateVerdict> JudgeAsync(GateQuestion question, CancellationToken cancellationToken)
        {
            var firewall = new FirewallRecord { Account = question.Account, Slug = question.Firewalls[0] };
            return ValueTask.FromResult(
                question.Firewalls[0] == "block"
                    ? new GateVerdict(
                        FailureCatalogue.Describe(new FirewallBlockedFacts(question.Account, "block", [])),
                        ImmutableArray<string>.Empty
                    )
                    : new GateVerdict(JudgeVerdict.None(JudgeFault.NoFirewall).UnjudgedBy(firewall), [])
            );
        }
    }
}
