using System.Text;
using System.Text.Json;
using Grpc.Core;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>The log for machines: one JSON object a line, the request's ids on what it caused, and never a secret (INV-13).</summary>
public sealed class LogTests
{
    private const string Correlation = "ticket-4711";

    [Fact]
    public async Task Lines_are_json_carry_the_ids_of_their_request_and_no_secret_is_in_log_or_store_INV_13()
    {
        var ct = TestContext.Current.CancellationToken;
        await using var scheduler = new SchedulerProcess(
            null,
            [.. SchedulerProcess.ZeroDelay, "--Providers:Simulated:Vendors:0=lambda"]
        );
        await scheduler.StartAsync(ct);
        var operators = Door.Of("http", scheduler);
        var account = (await operators.CreateAccountAsync("acct-log")).Ok.Name;
        _ = (await operators.TopUpAsync(account, 100_000_000, "payment")).Ok;
        var key = (await operators.CreateKeyAsync(account)).Ok;
        var wrong = key.Token[..^1] + (key.Token[^1] == 'a' ? 'b' : 'a');
        var tenant = Door.Of("http", scheduler, key.Token);
        Assert.NotNull((await Door.Of("grpc", scheduler, wrong).GetAccountAsync(account)).Error);
        var created = (await tenant.CreateInstanceAsync(account, "logged", Troubles.On(Troubles.Small))).Ok;
        var start = await StartUnderAsync(scheduler, key.Token, created.Name, ct);
        await tenant.UntilAsync(created.Name, instance => instance.State == InstanceState.Running);
        var refused = (await tenant.CreateInstanceAsync(account, "refused", Troubles.On("no/model"))).Ok;
        var refusal = await tenant.StartAsync(refused.Name);
        Assert.NotNull(refusal.Error);
        var stop = await tenant.StopAsync(created.Name);
        await tenant.UntilAsync(created.Name, instance => instance.State == InstanceState.Stopped);
        _ = (await operators.RevokeKeyAsync(key.Key.Name)).Ok;
        await scheduler.StopAsync(ct);

        var lines = Parsed(scheduler);
        AssertIds(lines, IdOf(created), start, [start, stop.RequestId]);
        AssertIds(lines, IdOf(refused), null, [refusal.RequestId]);
        await AssertNoSecretsAsync(scheduler, [scheduler.Token, key.Token, wrong], ct);
    }

    private static List<JsonElement> Parsed(SchedulerProcess scheduler)
    {
        var lines = scheduler.Lines.Where(line => !line.StartsWith("ready ", StringComparison.Ordinal)).ToList();
        Assert.NotEmpty(lines);
        return [.. lines.Select(Parse)];
    }

    private static JsonElement Parse(string line)
    {
        try
        {
            var json = JsonSerializer.Deserialize<JsonElement>(line);
            Assert.True(json.TryGetProperty("@t", out _) && json.TryGetProperty("@m", out _), line);
            return json;
        }
        catch (JsonException exception)
        {
            throw new InvalidOperationException($"This is no JSON: {line}", exception);
        }
    }

    /// <summary>
    /// Whatever is said of an instance is said under one of the requests that concern it. The caller's own id is on what is said while the
    /// call is answered; what comes of it later is found by the request's id.
    /// </summary>
    private static void AssertIds(
        List<JsonElement> lines,
        string instance,
        string? correlated,
        IReadOnlyList<string> requests
    )
    {
        var about = lines.Where(line => line.GetRawText().Contains(instance, StringComparison.Ordinal)).ToList();
        Assert.All(
            about,
            line => Assert.StartsWith("req-", Text(line, "RequestId") ?? $"none on {line}", StringComparison.Ordinal)
        );
        Assert.All(requests, request => Assert.Contains(about, line => Text(line, "RequestId") == request));
        Assert.All(
            about.Where(line =>
                correlated is not null && Text(line, "RequestId") == correlated && Text(line, "Trigger") == "Start"
            ),
            line => Assert.True(Text(line, "CorrelationId") == Correlation, $"{line}")
        );
    }

    private static string? Text(JsonElement line, string name) =>
        !line.TryGetProperty(name, out var value) ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : value.GetRawText();

    private static async Task<string> StartUnderAsync(
        SchedulerProcess scheduler,
        string token,
        string instance,
        CancellationToken cancellationToken
    )
    {
        using var call = new Instances.InstancesClient(scheduler.Channel).StartInstanceAsync(
            new StartInstanceRequest { Name = instance },
            new Metadata { { "authorization", $"Bearer {token}" }, { "x-request-id", Correlation } },
            cancellationToken: cancellationToken
        );
        await call;
        var headers = await call.ResponseHeadersAsync;
        Assert.Equal(Correlation, headers.GetValue("x-correlation-id"));
        return headers.GetValue("x-request-id")!;
    }

    private static async Task AssertNoSecretsAsync(
        SchedulerProcess scheduler,
        string[] tokens,
        CancellationToken cancellationToken
    )
    {
        // The last 43 characters of a token are its secret; what comes before may be shown.
        var secrets = tokens.Select(token => token[^43..]).ToList();
        Assert.All(secrets, secret => Assert.DoesNotContain(scheduler.Lines, line => line.Contains(secret)));
        foreach (var file in Directory.EnumerateFiles(scheduler.Folder, "*", SearchOption.AllDirectories))
        {
            if (Path.GetFileName(file) == "operator.key")
            {
                continue;
            }

            var bytes = await File.ReadAllBytesAsync(file, cancellationToken);
            Assert.All(
                secrets,
                secret =>
                    Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(secret)) < 0, $"A secret is in {file}")
            );
        }
    }

    private static string IdOf(Instance instance) => instance.Name.Split('/')[^1];
}
