using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using IRequest = Microsoft.Playwright.IRequest;

namespace Scheduler.BrowserTests;

/// <summary>
/// Records errors in the pages of one context: console errors, exceptions, failed requests, requests to other hosts,
/// and violations of the Content-Security-Policy.
/// </summary>
internal sealed class PageGuard
{
    private const string Told = "guardTold";

    // A violation is an event of the document; with a report-only policy it leaves no other trace.
    private const string TellViolations = $$"""
        document.addEventListener('securitypolicyviolation', event => window.{{Told}}(
            `${event.violatedDirective} refused ${event.blockedURI} in ${event.sourceFile || event.documentURI}:${event.lineNumber}`));
        """;

    private readonly Uri _site;
    private readonly ConcurrentQueue<string> _seen = new();
    private readonly List<Regex> _expected = [];

    private PageGuard(Uri site) => _site = site;

    /// <summary>Errors so far, without the expected ones.</summary>
    public IReadOnlyList<string> Troubles =>
        [.. _seen.Where(line => !_expected.Any(expected => expected.IsMatch(line)))];

    /// <summary>Watches a context that has no page yet.</summary>
    /// <param name="site">The only host that its pages may contact.</param>
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

    /// <summary>Declares an error that the test provokes. It must occur.</summary>
    /// <param name="pattern">Matches the recorded line, for example <c>^console: .* 404</c>.</param>
    public void Expect(string pattern) => _expected.Add(new Regex(pattern));

    /// <summary>Only expected errors occurred, and all of them.</summary>
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
                        .Prepend($"The pages of {_site} had errors:")
                        .Concat(missed.Select(expected => $"expected, but did not occur: {expected}"))
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
        // Leaving a page cancels its requests.
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
