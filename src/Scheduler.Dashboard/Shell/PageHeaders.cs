using Microsoft.AspNetCore.Http;

namespace Scheduler.Dashboard.Shell;

/// <summary>What a browser may do with our pages: run our script, use our style, talk to us, and nothing else.</summary>
internal sealed class PageHeaders(RequestDelegate next)
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        + "form-action 'self'; base-uri 'self'; frame-ancestors 'none'";

    /// <summary>
    /// Orleans' own pages: they bring their scripts, styles and fonts along. Its first page has one style on an element, named here by its
    /// digest, and nothing else that is written into a page may run or colour anything.
    /// </summary>
    private const string OrleansPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; "
        + "style-src-attr 'unsafe-hashes' 'sha256-eq2af6QS2pzGTyxQ6dj75iyyFqwRgxGGxEAjoqE24f0='; "
        + "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

    public Task InvokeAsync(HttpContext http)
    {
        var headers = http.Response.Headers;
        headers.ContentSecurityPolicy = http.Request.Path.StartsWithSegments(
            DashboardSetup.OrleansPath,
            StringComparison.Ordinal
        )
            ? OrleansPolicy
            : Policy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()";
        headers.CacheControl = "no-store";
        return next(http);
    }
}
