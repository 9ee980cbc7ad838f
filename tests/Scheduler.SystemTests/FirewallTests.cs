using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// A judge and a model run on the stand-in runtime of a real process. Each firewall code comes from its real cause, and
/// following its hint resolves it.
/// </summary>
[Collection(TroubleGroup.Name)]
public sealed partial class FirewallTests(TroubledScheduler troubled) : IAsyncLifetime
{
    /// <summary>A provider of the troubled market on which every launch succeeds.</summary>
    private const string Market = "sim-lambda";

    private string _account = "";
    private HttpClient _client = null!;

    private SchedulerProcess Scheduler => troubled.Process;

    public async ValueTask InitializeAsync()
    {
        var operators = troubled.ApiClient("http");
        _account = await troubled.AccountAsync(operators, 50_000_000);
        _client = new HttpClient(Scheduler.NewHandler()) { BaseAddress = Scheduler.Http };
        _client.DefaultRequestHeaders.Authorization = new(
            "Bearer",
            (await operators.CreateKeyAsync(_account)).Ok.Token
        );
    }

    public ValueTask DisposeAsync()
    {
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task A_firewall_blocks_fails_closed_and_recovers_when_its_hint_is_followed()
    {
        await InstanceAsync("chat", start: true);
        await InstanceAsync("judge", start: false, "--simulated-yes=forbidden");
        await OkAsync(
            _client,
            HttpMethod.Post,
            $"{_account}/rules",
            new
            {
                ruleId = "no-secrets",
                displayName = "No secrets",
                prompt = "Is it about what must not be told?",
                category = "policy",
                severity = "RULE_SEVERITY_HIGH",
            }
        );
        await OkAsync(
            _client,
            HttpMethod.Post,
            $"{_account}/firewalls",
            new
            {
                firewallId = "strict",
                mode = "FIREWALL_MODE_BLOCK",
                judge = "judge",
                rules = new[] { "no-secrets", "jailbreak" },
                judgeDeadline = "10s",
            }
        );

        // The judge does not run: no request passes, and the hint names the command that helps.
        var closed = await ChatAsync("hello");
        Assert.Equal((503, "JUDGE_UNREACHABLE"), Refused(closed));
        var hint = closed.Json.GetProperty("error").GetProperty("hint").GetString()!;
        var start = StartCommand().Match(hint).Groups[1].Value;
        Assert.NotEmpty(start);
        await OkAsync(_client, HttpMethod.Post, start, new { });
        await RunningAsync(start[..^":start".Length]);
        await PassesAsync("hello");

        var blocked = await ChatAsync("tell me the forbidden words");
        Assert.Equal((403, "FIREWALL_BLOCKED"), Refused(blocked));
        Assert.Contains("no-secrets", blocked.Json.GetProperty("error").GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("forbidden", blocked.Json.GetRawText(), StringComparison.Ordinal);

        var tried = await OkAsync(
            _client,
            HttpMethod.Post,
            $"{_account}/firewalls/strict:evaluate",
            new { text = "the forbidden words" }
        );
        Assert.Equal("FIREWALL_DECISION_MATCH", tried.GetProperty("decision").GetString());

        await EvaluationsAsync(closed.RequestId, "JUDGE_UNREACHABLE");
        await EvaluationsAsync(blocked.RequestId, "FIREWALL_BLOCKED");

        // The other remedy of the runbook.
        await OkAsync(_client, HttpMethod.Patch, $"{_account}/firewalls/strict", new { mode = "FIREWALL_MODE_AUDIT" });
        await PassesAsync("tell me the forbidden words");
        Assert.DoesNotContain(Scheduler.Lines, line => line.Contains("forbidden words", StringComparison.Ordinal));
    }

    /// <summary>A gateway learns of a start or a change shortly after it is recorded.</summary>
    private async Task PassesAsync(string words) =>
        await Eventually.UntilAsync(() => ChatAsync(words), answer => answer.Status == 200, $"'{words}' passes");

    private async Task EvaluationsAsync(string requestId, string code) =>
        await UntilAsync(
            async () =>
            {
                var list = await OkAsync(_client, HttpMethod.Get, $"{_account}/evaluations?firewall=strict", null);
                return list.GetProperty("evaluations")
                    .EnumerateArray()
                    .Any(one =>
                        one.GetProperty("requestId").GetString() == requestId
                        && one.GetProperty("failureCode").GetString() == code
                        && one.GetProperty("prompt").GetString() == ""
                    );
            },
            $"the evaluation of {requestId} is listed"
        );

    private async Task InstanceAsync(string servingName, bool start, params string[] arguments)
    {
        var instance = await OkAsync(
            _client,
            HttpMethod.Post,
            $"{_account}/instances",
            new
            {
                servingName,
                spec = new
                {
                    model = Troubles.Small,
                    runtimeArguments = arguments,
                    constraints = new { providers = new[] { Market } },
                },
            }
        );
        if (start)
        {
            var name = instance.GetProperty("name").GetString()!;
            await OkAsync(_client, HttpMethod.Post, $"{name}:start", new { });
            await RunningAsync(name);
        }
    }

    private Task<bool> RunningAsync(string instance) =>
        UntilAsync(
            async () =>
                (await OkAsync(_client, HttpMethod.Get, instance, null)).GetProperty("state").GetString()
                == "INSTANCE_STATE_RUNNING",
            $"{instance} runs"
        );

    private static Task<bool> UntilAsync(Func<Task<bool>> ask, string what) =>
        Eventually.UntilAsync(ask, isSo => isSo, what);

    private async Task<(int Status, JsonElement Json, string RequestId)> ChatAsync(string words)
    {
        using var answer = await _client.PostAsJsonAsync(
            "/v1/chat/completions",
            new
            {
                model = "chat",
                messages = new[] { new { role = "user", content = words } },
                max_tokens = 8,
                firewall = "strict",
            },
            TestContext.Current.CancellationToken
        );
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return (
            (int)answer.StatusCode,
            JsonDocument.Parse(text).RootElement,
            answer.Headers.GetValues("X-Request-Id").Single()
        );
    }

    private static (int, string?) Refused((int Status, JsonElement Json, string RequestId) answer) =>
        (answer.Status, answer.Json.GetProperty("error").GetProperty("code").GetString());

    private static async Task<JsonElement> OkAsync(HttpClient client, HttpMethod verb, string path, object? body)
    {
        using var request = new HttpRequestMessage(verb, path.StartsWith('/') ? path : $"/v1/{path}");
        request.Content = body is null ? null : JsonContent.Create(body);
        using var answer = await client.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{verb} {path}: {(int)answer.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement;
    }

    [GeneratedRegex(@"POST (/v1/accounts/\S+:start)", RegexOptions.None, 1000)]
    private static partial Regex StartCommand();
}
