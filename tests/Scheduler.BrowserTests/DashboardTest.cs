using Microsoft.Playwright;

namespace Scheduler.BrowserTests;

/// <summary>A test of the dashboard: its pages are opened signed in, with whichever key.</summary>
public abstract class DashboardTest(Browser browser, DashboardScheduler scheduler) : PageTest(browser)
{
    private protected DashboardScheduler Scheduler { get; } = scheduler;

    /// <summary>What stands behind the pages, as the operator asks for it.</summary>
    private protected OperatorApi Api { get; } = new(scheduler.Process);

    /// <summary>Opens a page for whoever has a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="path">Which page.</param>
    /// <param name="options">Settings of the context.</param>
    private protected async Task<GuardedPage> OpenAsync(
        string key,
        string path,
        BrowserNewContextOptions? options = null
    )
    {
        options ??= new BrowserNewContextOptions();
        options.StorageState = await SignedIn.StateAsync(Browser, Scheduler.Site, key);
        var opened = await OpenAsync(Scheduler.Site, options);
        await opened.Page.GotoAsync(path);
        return opened;
    }

    /// <summary>Opens a page for the operator.</summary>
    private protected async Task<IPage> OperatorAsync(string path) =>
        (await OpenAsync(Scheduler.OperatorKey, path)).Page;

    /// <summary>Opens a page for the account with everything.</summary>
    private protected async Task<IPage> AccountAsync(string path) => (await OpenAsync(Scheduler.AccountKey, path)).Page;

    /// <summary>The page of an instance.</summary>
    private protected static string PathOf(string instance) => $"/dashboard/instances/{IdOf(instance)}";

    /// <summary>The last part of a resource's name.</summary>
    private protected static string IdOf(string name) => name[(name.LastIndexOf('/') + 1)..];
}
