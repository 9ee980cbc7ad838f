using System.Text;
using System.Text.Json;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// The JSON log has one object per line, a request id on every line about an instance, and no secret (INV-13).
/// </summary>
[Collection(ObservedGroup.Name)]
public sealed class LogTests(ObservedScheduler observed)
{
    [Fact]
    public async Task Log_lines_are_JSON_with_request_ids_and_no_secret_is_logged_or_stored_INV_13()
    {
        var lines = Parsed(observed.Process);
        var (start, refusedStart, stop) = observed.Requests;
        AssertIds(lines, IdOf(observed.Launched), start, [start, stop]);
        AssertIds(lines, IdOf(observed.Refused), null, [refusedStart]);
        await AssertNoSecretsAsync(
            observed.Process,
            [observed.Process.Token, observed.Key.Token, observed.WrongToken],
            TestContext.Current.CancellationToken
        );
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
            throw new InvalidOperationException($"Not JSON: {line}", exception);
        }
    }

    /// <summary>
    /// Every line about an instance carries one of the requests that concern it. Lines written during the call carry
    /// the id that the caller sent; later consequences carry the id of the request.
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
            line => Assert.True(Text(line, "CorrelationId") == ObservedScheduler.Correlation, $"{line}")
        );
    }

    private static string? Text(JsonElement line, string name) =>
        !line.TryGetProperty(name, out var value) ? null
        : value.ValueKind == JsonValueKind.String ? value.GetString()
        : value.GetRawText();

    private static async Task AssertNoSecretsAsync(
        SchedulerProcess scheduler,
        string[] tokens,
        CancellationToken cancellationToken
    )
    {
        // The last 43 characters of a token are its secret; the part before may be shown.
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
