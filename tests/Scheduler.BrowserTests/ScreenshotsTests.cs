using Xunit;
using Xunit.Sdk;

namespace Scheduler.BrowserTests;

/// <summary>The screenshots themselves.</summary>
public sealed class ScreenshotsTests(Browser browser) : PageTest(browser)
{
    private const string Themed = "@media (prefers-color-scheme: dark) { body { background: #000; color: #fff } }";

    [Fact(Explicit = true)]
    public async Task Screenshots_are_taken_at_three_widths_in_both_themes()
    {
        var (page, _) = await OpenAsync(StaticPage.Site);
        await StaticPage.GoAsync(page, "<h1>Screenshots</h1>", style: Themed);
        string[] files =
        [
            .. new[] { 375, 1280, 3840 }.SelectMany(width =>
                new[] { "light", "dark" }.Select(theme => Screenshots.PathOf("self-test", width, theme))
            ),
        ];
        Assert.All(files, file => Assert.False(File.Exists(file)));

        await Screenshots.SaveAsync(page, "self-test");

        var pictures = files.Select(file => Convert.ToHexString(File.ReadAllBytes(file))).ToHashSet();
        Assert.Equal(files.Length, pictures.Count);
        Assert.Equal((1280, 800), (page.ViewportSize!.Width, page.ViewportSize.Height));
        Assert.All(files, File.Delete);
    }

    [Theory]
    [InlineData("<p>Short</p>", true)]
    [InlineData("<div class='scroll'><div class='wide'>Wide</div></div>", true)]
    [InlineData("<div class='wide'>Wide</div>", false)]
    public async Task A_page_without_wide_elements_fits_a_phone(string body, bool fits)
    {
        var (page, _) = await OpenAsync(StaticPage.Site);
        await StaticPage.GoAsync(page, body, style: ".wide { width: 600px } .scroll { overflow-x: auto }");

        if (fits)
        {
            await Screenshots.AssertFitsAsync(page);
        }
        else
        {
            var failed = await Assert.ThrowsAsync<TrueException>(() => Screenshots.AssertFitsAsync(page));
            Assert.Contains("div.wide ends at 608 px", failed.Message);
        }
    }
}
