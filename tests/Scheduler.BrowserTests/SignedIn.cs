using System.Collections.Concurrent;
using Microsoft.Playwright;

namespace Scheduler.BrowserTests;

/// <summary>
/// Sessions by key: each signs in once, on the sign-in page, and is shared by all contexts afterwards.
/// </summary>
internal static class SignedIn
{
    private static readonly ConcurrentDictionary<(Uri Site, string Key), Lazy<Task<string>>> States = [];

    /// <summary>Initial storage state of a signed-in context.</summary>
    public static Task<string> StateAsync(Browser browser, Uri site, string key) =>
        States.GetOrAdd((site, key), asked => new(() => SignInAsync(browser, asked.Site, asked.Key))).Value;

    /// <summary>Fills in the sign-in form and sends it.</summary>
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
