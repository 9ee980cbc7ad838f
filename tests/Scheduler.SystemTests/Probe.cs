using System.Text.Json;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>As a probe asks: without a key.</summary>
internal static class Probe
{
    private static readonly HttpClient Client = new();

    /// <summary>The HTTP status of a probe; null where nobody listens.</summary>
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

    /// <summary>What <c>/readyz</c> says of one check.</summary>
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
            // Doors that reach no silo cannot say more than that.
            Assert.False(isReady);
            return (false, text);
        }

        Assert.InRange(found.GetProperty("age_ms").GetInt64(), 0, 10_000);
        return (found.GetProperty("state").GetString() == "ok", found.GetProperty("says").GetString()!);
    }

    /// <summary>Waits until all nodes are ready and say what is wanted of a check.</summary>
    public static Task UntilAsync(IEnumerable<SchedulerProcess> nodes, string check, Func<string, bool> says) =>
        UntilAsync(
            nodes,
            async node =>
            {
                var found = await CheckAsync(node, check);
                return (found.IsOk && says(found.Says) && await StatusAsync(node) == 200, $"{check}: {found}");
            }
        );

    /// <summary>Waits until a check of all nodes is in order, and they are ready; or is not, and they are not.</summary>
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
