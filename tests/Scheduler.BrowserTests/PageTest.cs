using Microsoft.Playwright;
using Xunit;

namespace Scheduler.BrowserTests;

/// <summary>
/// A test of pages. Each page is opened in a context of its own (cookies, storage), and when the test is over, nothing may have gone wrong
/// in any of them: see <see cref="PageGuard"/>.
/// </summary>
public abstract class PageTest(Browser browser) : IAsyncLifetime
{
    /// <summary>Far more than anything takes, also while the machine builds something else.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly List<(IBrowserContext Context, PageGuard Guard)> _opened = [];

    private protected Browser Browser { get; } = browser;

    internal static CancellationToken Ct => TestContext.Current.CancellationToken;

    public virtual ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var (context, _) in _opened)
        {
            // An answer comes after all that the page told before.
            await Task.WhenAll(context.Pages.Select(page => page.EvaluateAsync("() => 0")))
                .WaitAsync(Patience, TimeProvider.System, CancellationToken.None);
            await context.CloseAsync();
        }

        Assert.All(_opened, opened => opened.Guard.AssertQuiet());
        GC.SuppressFinalize(this);
    }

    /// <summary>Opens an empty page of a new context.</summary>
    /// <param name="site">Relative addresses are of it, and no other host may be asked.</param>
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

/// <summary>A page and what went wrong in it.</summary>
/// <param name="Page">The page.</param>
/// <param name="Guard">What went wrong.</param>
internal sealed record GuardedPage(IPage Page, PageGuard Guard);
