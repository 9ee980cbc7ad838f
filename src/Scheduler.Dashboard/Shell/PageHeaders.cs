using Microsoft.AspNetCore.Http;
using Scheduler.Edge;
using Scheduler.Edge.Requests;

namespace Scheduler.Dashboard.Shell;

/// <summary>Sets security headers: the pages may use only scripts, styles and connections of this host.</summary>
internal sealed class PageHeaders(RequestDelegate next)
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        + "form-action 'self'; base-uri 'self'; frame-ancestors 'none'";

    /// <summary>
    /// For Orleans' own dashboard: its life-cycle diagram writes inline styles, so these are allowed; inline scripts,
    /// forms and other hosts are not.
    /// </summary>
    private const string OrleansPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
        + "connect-src 'self'; form-action 'none'; base-uri 'self'; frame-ancestors 'none'";

    public Task InvokeAsync(HttpContext http)
    {
        // Set as the response starts, because an error response clears headers that were set before.
        http.Response.OnStarting(Write, http);
        http.Scope().Notes.Plane = Planes.Dashboard;
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
