using Microsoft.Playwright;
using Xunit;

namespace Scheduler.BrowserTests.Pages;

/// <summary>What every page must be: readable by all, whole on a phone, and taken as a picture.</summary>
[Collection(DashboardGroup.Name)]
public sealed class EveryPageTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    /// <summary>Those that are looked at on a phone.</summary>
    private static readonly HashSet<string> OnThePhone =
    [
        "fleet",
        "instances",
        "instance-failed",
        "instance-running",
        "launch-filled",
        "account",
        "provider",
        "request",
    ];

    [Theory]
    [MemberData(nameof(AllPages.Names), MemberType = typeof(AllPages))]
    public async Task A_page_is_accessible_fits_a_phone_and_is_taken_as_a_picture(string name)
    {
        var page = await OperatorAsync(await AllPages.PathAsync(name, Scheduler));
        await Assertions.Expect(page.Locator("h1")).ToBeVisibleAsync();

        await CheckAsync(page, name, isAlsoOnThePhone: OnThePhone.Contains(name));
    }

    [Fact]
    public async Task The_page_for_signing_in_is_too()
    {
        var (page, _) = await OpenAsync(Scheduler.Site);
        await page.GotoAsync("/dashboard/sign-in?refused=AUTH_INVALID_TOKEN");
        await Assertions.Expect(page.GetByText("AUTH_INVALID_TOKEN")).ToBeVisibleAsync();

        await CheckAsync(page, "sign-in", isAlsoOnThePhone: true);
    }

    [Fact]
    public async Task The_page_of_an_error_is_too()
    {
        var (page, guard) = await OpenAsync(Scheduler.OperatorKey, "/dashboard/requests");
        guard.Expect("^console: .* 404");
        await page.GotoAsync("/dashboard/instances/i-nothing");
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("Not found");

        await CheckAsync(page, "error", isAlsoOnThePhone: true);
    }

    [Fact]
    public async Task An_action_that_is_open_is_too()
    {
        var page = await OperatorAsync(PathOf(Scheduler.Failed["SMART_NO_MATCH"]));
        await page.Locator("main details.remedy summary").First.ClickAsync();
        await Assertions
            .Expect(page.GetByRole(AriaRole.Button, new() { Name = "Change and start" }))
            .ToBeVisibleAsync();

        await CheckAsync(page, "instance-remedy", isAlsoOnThePhone: true);
    }

    private static async Task CheckAsync(IPage page, string name, bool isAlsoOnThePhone)
    {
        await Screenshots.AssertFitsAsync(page);
        await AssertAccessibleAsync(page);
        if (isAlsoOnThePhone)
        {
            await page.SetViewportSizeAsync(Screenshots.Phone, 812);
            await AssertAccessibleAsync(page);
            await page.SetViewportSizeAsync(Screenshots.Laptop, 800);
        }

        await Screenshots.SaveAsync(page, name);
    }

    private static async Task AssertAccessibleAsync(IPage page)
    {
        foreach (var scheme in new[] { ColorScheme.Dark, ColorScheme.Light })
        {
            await page.EmulateMediaAsync(new() { ColorScheme = scheme });
            await Axe.AssertAccessibleAsync(page);
        }
    }
}
