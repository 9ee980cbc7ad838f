using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Scheduler.TestKit;
using Xunit;
using Xunit.Sdk;

namespace Scheduler.BrowserTests;

/// <summary>The guard itself: it must detect each kind of planted error, and none on a correct page.</summary>
public sealed class PageGuardTests(Browser browser) : PageTest(browser)
{
    [Fact]
    public async Task A_correct_page_under_a_strict_policy_causes_no_report()
    {
        var (page, guard) = await OpenAsync(StaticPage.Site);
        await StaticPage.GoAsync(page, "<p>Hello</p>", "console.log('Hello')");

        await Assertions.Expect(page.GetByText("Hello")).ToBeVisibleAsync();
        Assert.Equal(4, await page.EvaluateAsync<int>("() => 2 + 2"));

        guard.AssertQuiet();
    }

    [Theory]
    [InlineData("console.error('planted')", "^console: planted")]
    [InlineData("setTimeout(() => { throw new Error('planted') })", "^exception: .*planted")]
    [InlineData("Promise.reject(new Error('planted'))", "^exception: .*planted")]
    [InlineData(
        "new Image().src = 'http://elsewhere.invalid/x.png'",
        "^foreign: request to http://elsewhere.invalid/x.png"
    )]
    [InlineData("fetch('http://127.0.0.1:10/x').catch(() => 0)", "^foreign: request to http://127.0.0.1:10/x")]
    [InlineData("fetch('/gone').catch(() => 0)", "^failed: GET http://127.0.0.1:9/gone")]
    [InlineData("fetch('/missing')", "^console: .*404")]
    [InlineData("new WebSocket('ws://elsewhere.invalid/')", "^foreign: socket to ws://elsewhere.invalid/")]
    public async Task The_guard_detects_page_errors(string script, string line)
    {
        var (page, guard) = await OpenAsync(StaticPage.Site);
        await StaticPage.GoAsync(page, "<p>Hello</p>", script, policy: "");

        await AssertSeesAsync(guard, line);
    }

    [Theory]
    [InlineData("<script>window.planted = 1</script>", "^policy: script-src-elem refused inline")]
    [InlineData("<p style='color: red'>Planted</p>", "^policy: style-src-attr refused inline")]
    [InlineData("<p onclick='alert()'>Planted</p>", "^policy: script-src-attr refused inline")]
    [InlineData(
        "<script src='http://elsewhere.invalid/a.js'></script>",
        "^policy: script-src-elem refused http://elsewhere"
    )]
    public async Task The_guard_detects_policy_violations(string body, string line)
    {
        var (page, guard) = await OpenAsync(StaticPage.Site);
        await StaticPage.GoAsync(page, body);

        await AssertSeesAsync(guard, line);
    }

    [Fact]
    public async Task An_expected_error_must_occur_and_is_not_reported()
    {
        var (page, guard) = await OpenAsync(StaticPage.Site);
        await StaticPage.GoAsync(page, "<p>Hello</p>");
        guard.Expect("^console: planted");

        var missed = Assert.Throws<PageTroubleException>(guard.AssertQuiet);
        Assert.Contains("did not occur: ^console: planted", missed.Message);

        await page.EvaluateAsync("() => console.error('planted')");
    }

    [Fact]
    public async Task A_test_with_a_page_error_fails_at_its_end()
    {
        var test = new EmptyTest(Browser);
        var (page, _) = await test.OpenAsync(StaticPage.Site);
        await StaticPage.GoAsync(page, "<p>Hello</p>");
        await page.EvaluateAsync("() => console.error('planted')");

        var failed = await Assert.ThrowsAsync<AllException>(async () => await test.DisposeAsync());

        Assert.Contains("console: planted", failed.Message);
    }

    private static async Task AssertSeesAsync(PageGuard guard, string line)
    {
        await Eventually.TrueAsync(
            () => guard.Troubles.Any(trouble => Regex.IsMatch(trouble, line)),
            $"'{line}' is seen"
        );
        var told = Assert.Throws<PageTroubleException>(guard.AssertQuiet);
        Assert.Contains(told.Message.Split('\n'), trouble => Regex.IsMatch(trouble, line));
        // The remaining lines belong to the planted error; the end of the test must not fail.
        guard.Expect(".");
    }

    private sealed class EmptyTest(Browser browser) : PageTest(browser);
}
