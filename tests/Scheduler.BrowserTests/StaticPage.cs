using Microsoft.Playwright;

namespace Scheduler.BrowserTests;

/// <summary>A small page without a server, for tests of the test tools.</summary>
internal static class StaticPage
{
    /// <summary>Its origin; nothing listens there.</summary>
    public static Uri Site { get; } = new("http://127.0.0.1:9/");

    /// <summary>As strict as the policy of the dashboard.</summary>
    public const string Policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'";

    /// <summary>Opens the page.</summary>
    /// <param name="page">A page opened for <see cref="Site"/>.</param>
    /// <param name="script">Served as a separate file.</param>
    /// <param name="style">Served as a separate file.</param>
    /// <param name="policy">Its Content-Security-Policy; empty for none.</param>
    public static async Task GoAsync(
        IPage page,
        string body,
        string script = "",
        string style = "",
        string policy = Policy
    )
    {
        var html = $"""
            <!doctype html><html lang="en"><head><title>Page</title><meta name="viewport" content="width=device-width">
            <link rel="stylesheet" href="page.css"></head><body><main>{body}</main><script src="page.js"></script></body></html>
            """;
        await page.RouteAsync(
            "**/*",
            route =>
                route.Request.Url[(route.Request.Url.LastIndexOf('/') + 1)..] switch
                {
                    "" when route.Request.Url == Site.ToString() => FulfillAsync(route, "text/html", html, policy),
                    "page.js" => FulfillAsync(route, "text/javascript", script, policy),
                    "page.css" => FulfillAsync(route, "text/css", style, policy),
                    "missing" => route.FulfillAsync(new RouteFulfillOptions { Status = 404 }),
                    "favicon.ico" => route.FulfillAsync(new RouteFulfillOptions { Status = 204 }),
                    _ => route.AbortAsync("connectionrefused"),
                }
        );
        await page.GotoAsync("/");
    }

    private static Task FulfillAsync(IRoute route, string contentType, string body, string policy) =>
        route.FulfillAsync(
            new RouteFulfillOptions
            {
                ContentType = contentType,
                Body = body,
                Headers = new Dictionary<string, string> { ["Content-Security-Policy"] = policy },
            }
        );
}
