using Microsoft.Playwright;
using Scheduler.Api.V1;
using Xunit;

namespace Scheduler.BrowserTests;

/// <summary>The API reference page of a real scheduler.</summary>
[Collection(DashboardGroup.Name)]
public sealed class ReferenceTests(Browser browser, DashboardScheduler scheduler) : PageTest(browser)
{
    /// <summary>Clicks that must not leave the page; the guard reports a request to any other host.</summary>
    private const int MostClicks = 60;

    [Fact]
    public async Task The_API_reference_shows_its_calls_and_contacts_no_other_host_whatever_is_clicked()
    {
        var (page, _) = await OpenAsync(scheduler.Site);

        await page.GotoAsync("/reference");

        await Assertions.Expect(page.GetByText("Lists all accounts in order of id.").First).ToBeVisibleAsync();
        foreach (var name in new[] { "Ask AI", "Generate SDKs", "Generate MCP", "Open API Client", "Connect MCP" })
        {
            await Assertions.Expect(page.GetByText(name)).ToHaveCountAsync(0);
        }

        foreach (var service in ServicesWithCalls)
        {
            await Assertions
                .Expect(page.Locator("aside, nav").GetByRole(AriaRole.Button, new() { Name = service, Exact = true }))
                .ToHaveCountAsync(1);
        }

        await ClickAroundAsync(page);
    }

    private static IEnumerable<string> ServicesWithCalls => ["Accounts", "Keys", "Instances", "Models", "Providers"];

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
