using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Scheduler.TestKit;

namespace Scheduler.BrowserTests.Pages;

/// <summary>Common parts of all pages.</summary>
internal static partial class Parts
{
    /// <summary>The page without its frame.</summary>
    public static ILocator Content(this IPage page) => page.Locator("main");

    /// <summary>The action with this title, open or closed.</summary>
    public static ILocator Ask(this IPage page, string title) =>
        page.Locator("main details.remedy")
            .Filter(new() { Has = page.Locator("summary", new() { HasTextRegex = Whole(title) }) });

    /// <summary>Opens the action with this title, which then shows its effect.</summary>
    public static async Task<ILocator> OpenAskAsync(this IPage page, string title)
    {
        var ask = page.Ask(title);
        await ask.Locator("summary").ClickAsync();
        await Assertions.Expect(ask.Locator("button")).ToBeVisibleAsync();
        return ask;
    }

    /// <summary>Opens an action and confirms it.</summary>
    /// <returns>The request id that the page then shows.</returns>
    public static async Task<string> DoAsync(this IPage page, string title, string notice)
    {
        var ask = await page.OpenAskAsync(title);
        await ask.Locator("button").ClickAsync();
        return await page.ExpectNoticeAsync(notice);
    }

    /// <summary>The page reports success.</summary>
    /// <returns>The request id.</returns>
    public static Task<string> ExpectNoticeAsync(this IPage page, string text) =>
        ExpectNoticeAsync(page, ".good", text);

    /// <summary>The page reports a refusal.</summary>
    /// <returns>The id of the refused request.</returns>
    public static Task<string> ExpectRefusalAsync(this IPage page, string text) =>
        ExpectNoticeAsync(page, ".bad", text);

    /// <summary>Ids of the instances that the rows of the table link to, in order.</summary>
    public static async Task<string[]> InstanceRowsAsync(this IPage page) =>
        await page.EvaluateAsync<string[]>(
            """
            () => [...document.querySelectorAll("main tbody tr")]
                .map(row => row.querySelector("a[href^='/dashboard/instances/']").getAttribute("href").split("/").at(-1))
            """
        );

    /// <summary>Waits until the table lists these instances in this order.</summary>
    public static Task ExpectInstancesAsync(this IPage page, IEnumerable<string> ids) =>
        Eventually.UntilAsync(
            async () => string.Join('\n', await page.InstanceRowsAsync()),
            rows => rows == string.Join('\n', ids),
            $"{page.Url} lists\n{string.Join('\n', ids)}\n"
        );

    /// <summary>The current values of a form.</summary>
    /// <param name="action">The end of the path that it is sent to.</param>
    public static async Task<Dictionary<string, string>> FormAsync(this IPage page, string action) =>
        await page.EvaluateAsync<Dictionary<string, string>>(
            "action => Object.fromEntries(new FormData(document.querySelector(`form[action$='${action}']`)))",
            action
        );

    /// <summary>Sends a form outside of the page, with the page's session.</summary>
    /// <returns>The answer; redirects are not followed.</returns>
    public static async Task<IAPIResponse> PostAsync(
        this IPage page,
        string path,
        IEnumerable<KeyValuePair<string, string>> fields
    )
    {
        var form = page.APIRequest.CreateFormData();
        foreach (var (name, value) in fields)
        {
            form.Set(name, value);
        }

        return await page.APIRequest.PostAsync(path, new() { Form = form, MaxRedirects = 0 });
    }

    /// <summary>
    /// A text without the parts that differ between requests, so that two pages can be compared: ids, the version of
    /// the catalogue, and the balance, which running instances reduce.
    /// </summary>
    public static string WithoutPassing(string text) => Space().Replace(Passing().Replace(text, "…"), " ").Trim();

    private static async Task<string> ExpectNoticeAsync(IPage page, string kind, string text)
    {
        var notice = page.Locator($"main .notices > .notice{kind}");
        await Assertions.Expect(notice).ToContainTextAsync(text);
        var request = await notice.Locator("a.id").TextContentAsync();
        return request!.Trim();
    }

    private static Regex Whole(string title) => new($@"^\s*{Regex.Escape(title)}\s*$");

    [GeneratedRegex(
        @"\b(?:i|bal|key|req)-[a-z0-9]{8,}|(?<=catalogue )[0-9]+|(?<=Available\s+)[0-9.,]+|[0-9.,]+(?= EUR running cost)"
    )]
    private static partial Regex Passing();

    [GeneratedRegex(@"\s+")]
    private static partial Regex Space();
}
