using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Xunit;

namespace Scheduler.BrowserTests;

/// <summary>The API reference page of a real scheduler.</summary>
[Collection(DashboardGroup.Name)]
public sealed class ReferenceTests(Browser browser, DashboardScheduler scheduler) : PageTest(browser)
{
    /// <summary>Clicks that must not leave the page; the guard reports a request to any other host.</summary>
    private const int MostClicks = 100;

    [Fact]
    public async Task The_API_reference_shows_its_calls_and_contacts_no_other_host_whatever_is_clicked()
    {
        // Its copy buttons may use the clipboard.
        var options = new BrowserNewContextOptions { Permissions = ["clipboard-read", "clipboard-write"] };
        var (page, guard) = await OpenAsync(scheduler.Site, options);
        // The page asks once whether it may evaluate text as code. It may not, and does without.
        guard.Expect("^policy: script-src refused eval");

        await page.GotoAsync("/reference");

        await Assertions.Expect(page.GetByText("Lists all accounts in order of id.").First).ToBeVisibleAsync();
        foreach (var name in new[] { "Ask AI", "Generate SDK", "MCP", "Open API Client" })
        {
            await Assertions.Expect(page.GetByText(name).Locator("visible=true")).ToHaveCountAsync(0);
        }

        // One group a name: the list of schemas, which was a second group Models, is off.
        using var document = JsonDocument.Parse(await (await page.APIRequest.GetAsync("/openapi/v1.json")).TextAsync());
        foreach (var tag in document.RootElement.GetProperty("tags").EnumerateArray())
        {
            var group = new Regex($" Group - {tag.GetProperty("name").GetString()}$");
            await Assertions.Expect(page.GetByRole(AriaRole.Button, new() { NameRegex = group })).ToHaveCountAsync(1);
        }

        await ClickAroundAsync(page);
    }

    private static async Task ClickAroundAsync(IPage page)
    {
        var buttons = page.Locator("button:visible");
        for (var i = 0; i < Math.Min(MostClicks, await buttons.CountAsync()); i++)
        {
            // An earlier click may have moved or covered a button; what counts is the request that a click makes.
            await buttons.Nth(i).DispatchEventAsync("click");
            await page.Keyboard.PressAsync("Escape");
        }
    }
}
