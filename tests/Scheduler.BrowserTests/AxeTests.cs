using Xunit;
using Xunit.Sdk;

namespace Scheduler.BrowserTests;

/// <summary>The scan itself, on a page with a strict policy.</summary>
public sealed class AxeTests(Browser browser) : PageTest(browser)
{
    [Fact]
    public async Task A_correct_page_passes()
    {
        var (page, _) = await OpenAsync(StaticPage.Site);
        await StaticPage.GoAsync(page, "<h1>Instances</h1><button>Start</button>");

        await Axe.AssertAccessibleAsync(page);
    }

    [Fact]
    public async Task A_finding_names_its_rule_its_element_and_the_fix()
    {
        var (page, _) = await OpenAsync(StaticPage.Site);
        await StaticPage.GoAsync(
            page,
            "<h1>Instances</h1><button id='mute'></button><p>Faint</p>",
            style: "p { color: #ccc }"
        );

        var failed = await Assert.ThrowsAsync<TrueException>(() => Axe.AssertAccessibleAsync(page));

        Assert.Contains("button-name (critical): ", failed.Message);
        Assert.Contains("#mute", failed.Message);
        Assert.Contains("color-contrast (serious): ", failed.Message);
        Assert.Contains("Fix any of the following", failed.Message);
        await Axe.AssertAccessibleAsync(page, within: "h1");
    }
}
