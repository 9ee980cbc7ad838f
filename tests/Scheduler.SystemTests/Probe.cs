using System.Text.Json;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>Calls health endpoints as a probe does, without a key.</summary>
internal static class Probe
{
    private static readonly HttpClient Client = new();

    /// <summary>Null when the connection is refused.</summary>
    public static async Task<int?> StatusAsync(SchedulerProcess node, string path = "/readyz")
    {
        try
        {
            using var answer = await Client.GetAsync(new Uri(node.Http, path), TestContext.Current.CancellationToken);
            return (int)answer.StatusCode;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    public static async Task<(bool IsOk, string Says)> CheckAsync(SchedulerProcess node, string check)
    {
        using var answer = await Client.GetAsync(new Uri(node.Http, "/readyz"), TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        using var body = JsonDocument.Parse(text);
        var isReady = body.RootElement.GetProperty("status").GetString() == "ready";
        Assert.Equal(isReady ? 200 : 503, (int)answer.StatusCode);
        var checks = body.RootElement.GetProperty("checks");
        Assert.Equal(isReady, checks.EnumerateObject().All(one => one.Value.GetProperty("state").GetString() == "ok"));
        if (!checks.TryGetProperty(check, out var found))
        {
            // An API process that reaches no silo reports nothing more.
            Assert.False(isReady);
            return (false, text);
        }

        Assert.InRange(found.GetProperty("age_ms").GetInt64(), 0, 10_000);
        return (found.GetProperty("state").GetString() == "ok", found.GetProperty("says").GetString()!);
    }

    /// <summary>Waits until all nodes are ready and a check reports the expected text.</summary>
    public static Task UntilAsync(IEnumerable<SchedulerProcess> nodes, string check, Func<string, bool> says) =>
        UntilAsync(
            nodes,
            async node =>
            {
                var found = await CheckAsync(node, check);
                return (found.IsOk && says(found.Says) && await StatusAsync(node) == 200, $"{check}: {found}");
            }
        );

    /// <summary>
    /// Waits until a check passes on all nodes and they are ready, or until it fails and they are not.
    /// </summary>
    public static Task UntilAsync(IEnumerable<SchedulerProcess> nodes, string check, bool isOk) =>
        UntilAsync(
            nodes,
            async node =>
            {
                var found = await CheckAsync(node, check);
                return (found.IsOk == isOk && await StatusAsync(node) == (isOk ? 200 : 503), $"{check}: {found}");
            }
        );

    private static async Task UntilAsync(
        IEnumerable<SchedulerProcess> nodes,
        Func<SchedulerProcess, Task<(bool IsThere, string Seen)>> look
    )
    {
        foreach (var node in nodes)
        {
            var began = TimeProvider.System.GetTimestamp();
            while (await TryLookAsync(node, look) is { IsThere: false, Seen: var seen })
            {
                Assert.True(
                    TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(40),
                    $"It stays at {seen}\n{node.Output}"
                );
                await Task.Delay(
                    TimeSpan.FromMilliseconds(100),
                    TimeProvider.System,
                    TestContext.Current.CancellationToken
                );
            }
        }
    }

    private static async Task<(bool IsThere, string Seen)> TryLookAsync(
        SchedulerProcess node,
        Func<SchedulerProcess, Task<(bool IsThere, string Seen)>> look
    )
    {
        try
        {
            return await look(node);
        }
        catch (HttpRequestException nobody)
        {
            return (false, nobody.Message);
        }
    }
}
