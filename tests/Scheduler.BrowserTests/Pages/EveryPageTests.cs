using Microsoft.Playwright;
using Xunit;

namespace Scheduler.BrowserTests.Pages;

/// <summary>Every page is accessible (axe-core) and fits a phone. The explicit test saves a picture of each.</summary>
[Collection(DashboardGroup.Name)]
public sealed class EveryPageTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    /// <summary>Pages that axe-core also checks at a phone's width.</summary>
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
    public async Task A_page_is_accessible_and_fits_a_phone(string name)
    {
        var page = await OperatorAsync(await AllPages.PathAsync(name, Scheduler));
        await Assertions.Expect(page.Locator("h1")).ToBeVisibleAsync();

        await CheckAsync(page, isAlsoOnThePhone: OnThePhone.Contains(name));
    }

    [Theory(Explicit = true)]
    [MemberData(nameof(AllPages.Names), MemberType = typeof(AllPages))]
    public async Task A_picture_of_the_page_is_saved(string name)
    {
        var page = await OperatorAsync(await AllPages.PathAsync(name, Scheduler));
        await Assertions.Expect(page.Locator("h1")).ToBeVisibleAsync();

        await Screenshots.SaveAsync(page, name);
    }

    /// <summary>The two pictures of README; copy them to <c>.github/images</c> when the pages have changed.</summary>
    [Fact(Explicit = true)]
    public async Task The_pictures_of_README_are_saved()
    {
        var fleet = await OperatorAsync("/dashboard");
        await Assertions.Expect(fleet.Locator("h1")).ToBeVisibleAsync();
        await Screenshots.SaveViewAsync(fleet, "readme-fleet");

        var failure = await OperatorAsync(PathOf(Scheduler.Failed["SMART_NO_MATCH"]));
        await failure.Locator("main details.remedy summary").First.ClickAsync();
        await Assertions
            .Expect(failure.GetByRole(AriaRole.Button, new() { Name = "Change and start" }))
            .ToBeVisibleAsync();
        await Screenshots.SaveViewAsync(failure, "readme-failure");
    }

    [Fact]
    public async Task The_sign_in_page_is_accessible_and_fits_a_phone()
    {
        var (page, _) = await OpenAsync(Scheduler.Site);
        await page.GotoAsync("/dashboard/sign-in?refused=AUTH_INVALID_TOKEN");
        await Assertions.Expect(page.GetByText("AUTH_INVALID_TOKEN")).ToBeVisibleAsync();

        await CheckAsync(page, isAlsoOnThePhone: true);
    }

    [Fact]
    public async Task The_error_page_is_accessible_and_fits_a_phone()
    {
        var (page, guard) = await OpenAsync(Scheduler.OperatorKey, "/dashboard/requests");
        guard.Expect("^console: .* 404");
        await page.GotoAsync("/dashboard/instances/i-nothing");
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("Not found");

        await CheckAsync(page, isAlsoOnThePhone: true);
    }

    [Fact]
    public async Task An_open_action_is_accessible_and_fits_a_phone()
    {
        var page = await OperatorAsync(PathOf(Scheduler.Failed["SMART_NO_MATCH"]));
        await page.Locator("main details.remedy summary").First.ClickAsync();
        await Assertions
            .Expect(page.GetByRole(AriaRole.Button, new() { Name = "Change and start" }))
            .ToBeVisibleAsync();

        await CheckAsync(page, isAlsoOnThePhone: true);
    }

    private static async Task CheckAsync(IPage page, bool isAlsoOnThePhone)
    {
        await Screenshots.AssertFitsAsync(page);
        await AssertAccessibleAsync(page, ColorScheme.Dark);
        await AssertAccessibleAsync(page, ColorScheme.Light);
        if (isAlsoOnThePhone)
        {
            // Colours do not depend on the width, so one theme is sufficient here.
            await page.SetViewportSizeAsync(Screenshots.Phone, 812);
            await AssertAccessibleAsync(page, ColorScheme.Light);
        }
    }

    private static async Task AssertAccessibleAsync(IPage page, ColorScheme scheme)
    {
        await page.EmulateMediaAsync(new() { ColorScheme = scheme });
        await Axe.AssertAccessibleAsync(page);
    }
}
