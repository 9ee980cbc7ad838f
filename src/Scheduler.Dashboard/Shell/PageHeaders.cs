using Microsoft.AspNetCore.Http;

namespace Scheduler.Dashboard.Shell;

/// <summary>What a browser may do with our pages: run our script, use our style, talk to us, and nothing else.</summary>
internal sealed class PageHeaders(RequestDelegate next)
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        + "form-action 'self'; base-uri 'self'; frame-ancestors 'none'";

    /// <summary>
    /// Orleans' own pages bring all they need along, but their drawing of the life cycle writes styles into the page: those may be, and
    /// scripts may not. No form of theirs goes anywhere, and nothing is fetched from elsewhere.
    /// </summary>
    private const string OrleansPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
        + "connect-src 'self'; form-action 'none'; base-uri 'self'; frame-ancestors 'none'";

    public Task InvokeAsync(HttpContext http)
    {
        // Last of all: an error begins its answer anew, and what was set before is gone with the page that failed.
        http.Response.OnStarting(Write, http);
        return next(http);
    }

    private static Task Write(object state)
    {
        var http = (HttpContext)state;
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = http.Request.Path.StartsWithSegments(
            DashboardSetup.OrleansPath,
            StringComparison.OrdinalIgnoreCase
        )
            ? OrleansPolicy
            : Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()";
        headers.CacheControl = "no-cache, no-store";
        headers.Pragma = "no-cache";
        return Task.CompletedTask;
    }
}
