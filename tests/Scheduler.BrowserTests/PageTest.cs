using Microsoft.Playwright;
using Xunit;

namespace Scheduler.BrowserTests;

/// <summary>
/// A test of pages. Each page has its own browser context (cookies, storage), and at the end of the test no page may
/// have had an error: see <see cref="PageGuard"/>.
/// </summary>
public abstract class PageTest(Browser browser) : IAsyncLifetime
{
    /// <summary>Much longer than any step takes, even during a parallel build.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly List<(IBrowserContext Context, PageGuard Guard)> _opened = [];

    private protected Browser Browser { get; } = browser;

    internal static CancellationToken Ct => TestContext.Current.CancellationToken;

    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var (context, _) in _opened)
        {
            // The answer arrives after all earlier messages of the page.
            await Task.WhenAll(context.Pages.Select(page => page.EvaluateAsync("() => 0")))
                .WaitAsync(Patience, TimeProvider.System, CancellationToken.None);
            await context.CloseAsync();
        }

        Assert.All(_opened, opened => opened.Guard.AssertQuiet());
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens an empty page in a new context.</summary>
    /// <param name="site">Base of relative addresses; no other host may be contacted.</param>
    /// <param name="options">Settings of the context; null for a light page of 1280 × 800.</param>
    internal async Task<GuardedPage> OpenAsync(Uri site, BrowserNewContextOptions? options = null)
    {
        options ??= new BrowserNewContextOptions();
        options.BaseURL = site.ToString();
        options.ViewportSize ??= new ViewportSize { Width = 1280, Height = 800 };
        options.ColorScheme ??= ColorScheme.Light;
        options.Locale ??= "en-GB";
        options.TimezoneId ??= "UTC";
        options.ReducedMotion ??= ReducedMotion.Reduce;
        var context = await Browser.Chromium.NewContextAsync(options);
        context.SetDefaultTimeout((float)Patience.TotalMilliseconds);
        var guard = await PageGuard.OverAsync(context, site);
        _opened.Add((context, guard));
        return new GuardedPage(await context.NewPageAsync(), guard);
    }
}

internal sealed record GuardedPage(IPage Page, PageGuard Guard);
