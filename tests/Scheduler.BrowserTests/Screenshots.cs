using System.Globalization;
using Microsoft.Playwright;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.BrowserTests;

/// <summary>
/// Screenshots at the widths of phones, laptops and wall screens, saved in <c>artifacts/screenshots</c>.
/// </summary>
internal static class Screenshots
{
    /// <summary>The narrowest supported width in pixels.</summary>
    public const int Phone = 375;

    public const int Laptop = 1280;

    public const int Wall = 3840;

    private static readonly ViewportSize[] Sizes =
    [
        new() { Width = Phone, Height = 812 },
        new() { Width = Laptop, Height = 800 },
        new() { Width = Wall, Height = 2160 },
    ];

    private static readonly (string Name, ColorScheme Scheme)[] Themes =
    [
        ("light", ColorScheme.Light),
        ("dark", ColorScheme.Dark),
    ];

    // Drawing speed depends on the machine: two frames after the fonts are loaded, the layout is shown.
    private const string Settled = """
        async () => {
            await document.fonts.ready;
            await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
        }
        """;

    private const string Overhang = """
        () => {
            const screen = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= screen) return [];
            const inner = element => { // What its parent scrolls or cuts does not widen the page.
                for (let at = element.parentElement; at && at !== document.documentElement; at = at.parentElement)
                    if (at !== document.body && getComputedStyle(at).overflowX !== 'visible') return true;
                return false;
            };
            const named = element => element.tagName.toLowerCase() + (element.id ? '#' + element.id : '')
                + [...element.classList].map(name => '.' + name).join('');
            return [`the page is ${document.documentElement.scrollWidth} px wide`]
                .concat([...document.body.querySelectorAll('*')]
                    .filter(element => element.getBoundingClientRect().right > screen + 0.5 && !inner(element))
                    .slice(0, 10)
                    .map(element => `${named(element)} ends at ${Math.round(element.getBoundingClientRect().right)} px`));
        }
        """;

    /// <summary>Saves the page at each width, light and dark, and restores its width and theme.</summary>
    /// <param name="name">Prefix of the file names.</param>
    public static async Task SaveAsync(IPage page, string name)
    {
        var before = page.ViewportSize!;
        foreach (var size in Sizes)
        {
            await page.SetViewportSizeAsync(size.Width, size.Height);
            foreach (var (theme, scheme) in Themes)
            {
                await page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = scheme });
                await page.EvaluateAsync(Settled);
                await page.ScreenshotAsync(
                    new PageScreenshotOptions
                    {
                        Path = PathOf(name, size.Width, theme),
                        FullPage = true,
                        Animations = ScreenshotAnimations.Disabled,
                        Caret = ScreenshotCaret.Hide,
                        Scale = ScreenshotScale.Css,
                    }
                );
            }
        }

        await page.EmulateMediaAsync(new PageEmulateMediaOptions { ColorScheme = ColorScheme.Light });
        await page.SetViewportSizeAsync(before.Width, before.Height);
    }

    /// <summary>Saves the visible part of the page as it is, light, at the width of a laptop.</summary>
    public static async Task SaveViewAsync(IPage page, string name)
    {
        await page.EvaluateAsync(Settled);
        await page.ScreenshotAsync(
            new PageScreenshotOptions
            {
                Path = PathOf(name, Laptop, "light"),
                Animations = ScreenshotAnimations.Disabled,
                Caret = ScreenshotCaret.Hide,
                Scale = ScreenshotScale.Css,
            }
        );
    }

    public static string PathOf(string name, int width, string theme) =>
        Repository.Path(
            "artifacts",
            "screenshots",
            string.Create(CultureInfo.InvariantCulture, $"{name}-{width}-{theme}.png")
        );

    /// <summary>
    /// At the narrowest width no part of the page overflows; elements inside a scrollable element may.
    /// </summary>
    public static async Task AssertFitsAsync(IPage page, int width = Phone)
    {
        var before = page.ViewportSize!;
        await page.SetViewportSizeAsync(width, Sizes[0].Height);
        await page.EvaluateAsync(Settled);
        var overhang = await page.EvaluateAsync<string[]>(Overhang);
        await page.SetViewportSizeAsync(before.Width, before.Height);
        Assert.True(overhang.Length == 0, $"{page.Url} does not fit {width} px:\n{string.Join('\n', overhang)}");
    }
}
