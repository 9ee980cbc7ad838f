using Microsoft.Playwright;
using Xunit;

namespace Scheduler.BrowserTests;

/// <summary>The API reference page of a real scheduler.</summary>
[Collection(DashboardGroup.Name)]
public sealed class ReferenceTests(Browser browser, DashboardScheduler scheduler) : PageTest(browser)
{
    [Fact]
    public async Task The_API_reference_shows_its_calls_and_contacts_no_other_host()
    {
        var (page, _) = await OpenAsync(scheduler.Site);

        await page.GotoAsync("/reference");

        await Assertions.Expect(page.GetByText("Lists all accounts in order of id.").First).ToBeVisibleAsync();
    }
}
