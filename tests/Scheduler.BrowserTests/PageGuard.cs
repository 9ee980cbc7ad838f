using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using IRequest = Microsoft.Playwright.IRequest;

namespace Scheduler.BrowserTests;

/// <summary>
/// Keeps what goes wrong in the pages of one context beside what a test looks at: errors on the console, exceptions, requests that fail or
/// go to another host than the site, violations of the Content-Security-Policy.
/// </summary>
internal sealed class PageGuard
{
    private const string Told = "guardTold";

    // A violation is an event of the document; with a policy that only reports, it is nothing else.
    private const string TellViolations = $$"""
        document.addEventListener('securitypolicyviolation', event => window.{{Told}}(
            `${event.violatedDirective} refused ${event.blockedURI} in ${event.sourceFile || event.documentURI}:${event.lineNumber}`));
        """;

    private readonly Uri _site;
    private readonly ConcurrentQueue<string> _seen = new();
    private readonly List<Regex> _expected = [];

    private PageGuard(Uri site) => _site = site;

    /// <summary>What was seen up to now, but for what is expected.</summary>
    public IReadOnlyList<string> Troubles =>
        [.. _seen.Where(line => !_expected.Any(expected => expected.IsMatch(line)))];

    /// <summary>Watches a context, which has no page yet.</summary>
    /// <param name="context">The context.</param>
    /// <param name="site">The only site that its pages may ask.</param>
    public static async Task<PageGuard> OverAsync(IBrowserContext context, Uri site)
    {
        var guard = new PageGuard(site);
        context.Console += (_, message) => guard.KeepConsole(message);
        context.WebError += (_, error) => guard.Keep("exception", error.Error);
        context.Request += (_, request) => guard.KeepForeign("request", request.Url);
        context.RequestFailed += (_, request) => guard.KeepFailed(request);
        context.Page += (_, page) =>
        {
            page.WebSocket += (_, socket) => guard.KeepSocket(socket);
            page.Crash += (_, _) => guard.Keep("crash", page.Url);
        };
        await context.ExposeFunctionAsync(Told, (string violation) => guard.Keep("policy", violation));
        await context.AddInitScriptAsync(TellViolations);
        return guard;
    }

    /// <summary>What the test provokes itself. It must come.</summary>
    /// <param name="pattern">Matches the line that is kept of it, for example <c>^console: .* 404</c>.</param>
    public void Expect(string pattern) => _expected.Add(new Regex(pattern));

    /// <summary>Nothing went wrong but what was expected, and all of that did.</summary>
    public void AssertQuiet()
    {
        var troubles = Troubles;
        var missed = _expected.Where(expected => !_seen.Any(line => expected.IsMatch(line))).ToList();
        if (troubles.Count > 0 || missed.Count > 0)
        {
            throw new PageTroubleException(
                string.Join(
                    '\n',
                    troubles
                        .Prepend($"The pages of {_site} were in trouble:")
                        .Concat(missed.Select(expected => $"expected, but did not come: {expected}"))
                )
            );
        }
    }

    private void Keep(string kind, string what) => _seen.Enqueue($"{kind}: {what}");

    private void KeepConsole(IConsoleMessage message)
    {
        if (message.Type is "error" or "assert")
        {
            Keep("console", $"{message.Text} ({message.Location})");
        }
    }

    private void KeepForeign(string kind, string url)
    {
        var asked = new Uri(url);
        if (asked.Scheme is not ("data" or "blob") && asked.Authority != _site.Authority)
        {
            Keep("foreign", $"{kind} to {url}");
        }
    }

    private void KeepFailed(IRequest request)
    {
        // Who leaves a page leaves its requests.
        if (request.Failure is not "net::ERR_ABORTED")
        {
            Keep("failed", $"{request.Method} {request.Url}: {request.Failure}");
        }
    }

    private void KeepSocket(IWebSocket socket)
    {
        KeepForeign("socket", socket.Url);
        socket.SocketError += (_, error) => Keep("failed", $"{socket.Url}: {error}");
    }
}
