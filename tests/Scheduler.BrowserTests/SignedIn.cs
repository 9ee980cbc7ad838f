using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace Scheduler.BrowserTests;

/// <summary>Sessions by key: each is signed in once, in the page that people use, and shared by all contexts from then on.</summary>
internal static class SignedIn
{
    private static readonly ConcurrentDictionary<(Uri Site, string Key), Lazy<Task<string>>> States = [];

    /// <summary>What a context begins with whose pages are to be signed in.</summary>
    /// <param name="browser">Where.</param>
    /// <param name="site">Of which scheduler.</param>
    /// <param name="key">With which key.</param>
    public static Task<string> StateAsync(Browser browser, Uri site, string key) =>
        States.GetOrAdd((site, key), asked => new(() => SignInAsync(browser, asked.Site, asked.Key))).Value;

    /// <summary>Fills the page in and sends it.</summary>
    /// <param name="page">It stands at the page for signing in.</param>
    /// <param name="key">What is written into it.</param>
    public static async Task SendAsync(IPage page, string key)
    {
        await page.GetByLabel("Key", new() { Exact = true }).FillAsync(key);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }

    private static async Task<string> SignInAsync(Browser browser, Uri site, string key)
    {
        await using var context = await browser.Chromium.NewContextAsync(new() { BaseURL = site.ToString() });
        context.SetDefaultTimeout((float)PageTest.Patience.TotalMilliseconds);
        var page = await context.NewPageAsync();
        await page.GotoAsync("/dashboard/sign-in");
        await SendAsync(page, key);
        await page.WaitForURLAsync("**/dashboard");
        return await context.StorageStateAsync();
    }
}
