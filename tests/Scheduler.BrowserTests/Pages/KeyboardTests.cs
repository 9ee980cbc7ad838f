using Microsoft.Playwright;
using Xunit;

namespace Scheduler.BrowserTests.Pages;

/// <summary>Keyboard operation: every control is reachable in a sensible order, and the focus is visible.</summary>
[Collection(DashboardGroup.Name)]
public sealed class KeyboardTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    [Fact]
    public async Task The_first_tab_stop_skips_the_frame()
    {
        var page = await OperatorAsync("/dashboard/instances");

        await page.Keyboard.PressAsync("Tab");
        var skip = page.GetByRole(AriaRole.Link, new() { Name = "Skip to content" });
        await Assertions.Expect(skip).ToBeFocusedAsync();
        await Assertions.Expect(skip).ToBeInViewportAsync();
        await page.Keyboard.PressAsync("Enter");

        await Assertions.Expect(page.Content()).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Tab");
        await Assertions
            .Expect(page.Content().GetByRole(AriaRole.Link, new() { Name = "Launch an instance" }))
            .ToBeFocusedAsync();
    }

    [Fact]
    public async Task Filters_precede_the_table_and_each_tab_stop_is_visible()
    {
        var page = await OperatorAsync("/dashboard/instances");
        await page.GetByRole(AriaRole.Link, new() { Name = "Skip to content" }).FocusAsync();

        var stops = await WalkAsync(page, until: "a[href^='/dashboard/instances/i-']");

        string[] filters = ["#q", "#state", "#code", "#provider", "#region", "#gpu", "#account", "#sort"];
        Assert.Equal(filters, stops.Where(filters.Contains));
        Assert.True(
            stops.IndexOf("#sort")
                < stops.FindIndex(stop => stop.StartsWith("a:Serving name", StringComparison.Ordinal))
        );
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.GetByText("Placement and cost")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_remedy_can_be_opened_and_closed()
    {
        var page = await OperatorAsync(PathOf(Scheduler.Failed["SMART_NO_MATCH"]));

        await WalkAsync(page, until: "main details.remedy > summary");
        await page.Keyboard.PressAsync("Enter");
        var remedy = page.Locator("main details.remedy").First;
        await Assertions.Expect(remedy.GetByRole(AriaRole.Table)).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Tab");
        await Assertions.Expect(remedy.GetByRole(AriaRole.Button)).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Shift+Tab");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(remedy.GetByRole(AriaRole.Table)).ToBeHiddenAsync();
    }

    [Fact]
    public async Task After_a_link_the_new_content_has_the_focus()
    {
        var page = await OperatorAsync("/dashboard");
        await page.GetByRole(AriaRole.Link, new() { Name = "Providers", Exact = true }).First.FocusAsync();

        await page.Keyboard.PressAsync("Enter");

        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("Providers");
        await Assertions.Expect(page.Content()).ToBeFocusedAsync();
    }

    /// <summary>
    /// Presses Tab until an element matches; each element must show its focus and be in the viewport.
    /// </summary>
    private static async Task<List<string>> WalkAsync(IPage page, string until)
    {
        const int farther = 80;
        var stops = new List<string>();
        for (var i = 0; i < farther; i++)
        {
            await page.Keyboard.PressAsync("Tab");
            var stop = await page.EvaluateAsync<string[]>(
                """
                until => {
                    const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
                    const seen = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2
                        && box.width > 0 && box.bottom > 0 && box.top < innerHeight;
                    return [at.id ? '#' + at.id : `${at.tagName.toLowerCase()}:${at.textContent.trim().slice(0, 40)}`,
                        seen ? '' : `${style.outlineStyle} ${style.outlineWidth} ${JSON.stringify(box)}`, String(at.matches(until))];
                }
                """,
                until
            );
            stops.Add(stop[0]);
            Assert.True(stop[1].Length == 0, $"{stop[0]} has the focus but is not visible: {stop[1]}");
            if (stop[2] == "true")
            {
                return stops;
            }
        }

        Assert.Fail($"{until} is not among {string.Join(", ", stops)}");
        return stops;
    }
}
