using System.Text;
using System.Text.Json;
using Microsoft.Playwright;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.BrowserTests;

/// <summary>The accessibility scan of the npm package <c>axe-core</c>.</summary>
internal static class Axe
{
    private static readonly string[] Sources = ["package-lock.json", "package.json"];

    private static readonly Lazy<Task<string>> Script = new(ReadAsync);

    /// <summary>The page in its current state has no serious or critical finding.</summary>
    /// <param name="page">The page, with its dialogs and menus as the test left them.</param>
    /// <param name="within">Selector of the part to scan; null for the whole page.</param>
    public static async Task AssertAccessibleAsync(IPage page, string? within = null)
    {
        var findings = (await FindingsAsync(page, within)).Where(finding => finding.Impact is "serious" or "critical");
        var told = string.Join("\n\n", findings.Select(finding => finding.ToString()));
        Assert.True(told.Length == 0, $"{page.Url} has accessibility findings:\n\n{told}");
    }

    /// <summary>All findings, minor ones included.</summary>
    public static async Task<IReadOnlyList<AxeFinding>> FindingsAsync(IPage page, string? within = null)
    {
        // Runs over the debugger protocol in an isolated world: the page's Content-Security-Policy forbids foreign
        // scripts, and the scan must not disable it.
        var session = await page.Context.NewCDPSessionAsync(page);
        try
        {
            var tree = await session.SendAsync("Page.getFrameTree");
            var frame = tree!.Value.GetProperty("frameTree").GetProperty("frame").GetProperty("id").GetString()!;
            var world = await session.SendAsync(
                "Page.createIsolatedWorld",
                new Dictionary<string, object> { ["frameId"] = frame, ["worldName"] = "axe" }
            );
            var id = world!.Value.GetProperty("executionContextId").GetInt32();
            await EvaluateAsync(session, id, await Script.Value);
            var scope = within is null ? "document" : JsonSerializer.Serialize(within);
            var found = await EvaluateAsync(
                session,
                id,
                $"axe.run({scope}, {{ resultTypes: ['violations'], iframes: false }}).then(found => JSON.stringify(found.violations))"
            );
            return JsonSerializer.Deserialize<List<AxeFinding>>(found.GetString()!, JsonSerializerOptions.Web)!;
        }
        finally
        {
            await session.DetachAsync();
        }
    }

    private static async Task<JsonElement> EvaluateAsync(ICDPSession session, int world, string script)
    {
        var answer = await session.SendAsync(
            "Runtime.evaluate",
            new Dictionary<string, object>
            {
                ["expression"] = script,
                ["contextId"] = world,
                ["awaitPromise"] = true,
                ["returnByValue"] = true,
            }
        );
        Assert.False(answer!.Value.TryGetProperty("exceptionDetails", out var thrown), $"axe-core threw: {thrown}");
        return answer.Value.GetProperty("result").TryGetProperty("value", out var value) ? value : default;
    }

    private static async Task<string> ReadAsync()
    {
        // Shared by all tests: the end of one test must not cancel it for the others.
        var package = await NodePackage.ReadyAsync(
            Path.Combine("Scheduler.BrowserTests", "Axe"),
            "axe",
            Sources,
            null,
            CancellationToken.None
        );
        var script = await File.ReadAllTextAsync(
            Path.Combine(package.Folder, "node_modules", "axe-core", "axe.min.js"),
            CancellationToken.None
        );
        // Without this, the result of the script would be sent back.
        return $"{script};0";
    }
}

/// <summary>One rule that a page violates.</summary>
/// <param name="Impact"><c>minor</c>, <c>moderate</c>, <c>serious</c> or <c>critical</c>.</param>
/// <param name="Help">The requirement.</param>
/// <param name="Nodes">The elements that violate it.</param>
internal sealed record AxeFinding(string Id, string? Impact, string Help, IReadOnlyList<AxeNode> Nodes)
{
    public override string ToString()
    {
        var told = new StringBuilder($"{Id} ({Impact}): {Help}");
        foreach (var node in Nodes)
        {
            told.Append($"\n  {string.Join(' ', node.Target)}\n    {node.FailureSummary?.Replace("\n", "\n    ")}");
        }

        return told.ToString();
    }
}

/// <summary>One element that violates a rule.</summary>
/// <param name="Target">Selector of the element.</param>
/// <param name="FailureSummary">The required change.</param>
internal sealed record AxeNode(IReadOnlyList<JsonElement> Target, string? FailureSummary);
