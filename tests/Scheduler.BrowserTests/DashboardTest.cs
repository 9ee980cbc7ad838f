using Microsoft.Playwright;

namespace Scheduler.BrowserTests;

/// <summary>A test of the dashboard, whose pages are opened signed in with any key.</summary>
public abstract class DashboardTest(Browser browser, DashboardScheduler scheduler) : PageTest(browser)
{
    private protected DashboardScheduler Scheduler { get; } = scheduler;

    /// <summary>Operator access to the API behind the pages.</summary>
    private protected OperatorApi Api { get; } = new(scheduler.Process);

    /// <summary>Opens a page signed in with a key.</summary>
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

    private protected async Task<IPage> OperatorAsync(string path) =>
        (await OpenAsync(Scheduler.OperatorKey, path)).Page;

    /// <summary>Opens a page with the key of the account that owns all the data.</summary>
    private protected async Task<IPage> AccountAsync(string path) => (await OpenAsync(Scheduler.AccountKey, path)).Page;

    private protected static string PathOf(string instance) => $"/dashboard/instances/{IdOf(instance)}";

    /// <summary>The last part of a resource name.</summary>
    private protected static string IdOf(string name) => name[(name.LastIndexOf('/') + 1)..];
}
