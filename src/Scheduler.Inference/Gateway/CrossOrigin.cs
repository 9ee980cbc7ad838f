using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Scheduler.Edge;

namespace Scheduler.Inference.Gateway;

/// <summary>
/// Lets web pages of the configured origins call the gateway from a browser (Fetch standard, CORS protocol). Keys are
/// sent in a header, never as cookies, so credentials are not allowed.
/// </summary>
internal sealed class CrossOrigin(IOptions<InferenceOptions> options)
{
    private const string Any = "*";

    /// <summary>Headers of answers that a page may read.</summary>
    private static readonly string Exposed = string.Join(
        ", ",
        RequestScope.IdHeader,
        RequestScope.CorrelationHeader,
        "Retry-After",
        "X-Should-Retry",
        "X-Instance",
        "X-Firewall-Matched",
        "RateLimit-Limit",
        "RateLimit-Remaining",
        "RateLimit-Reset"
    );

    /// <summary>Allows the caller's page to read the answer, if its origin is configured.</summary>
    public void Apply(HttpContext http)
    {
        if (AllowedOf(http) is { } origin)
        {
            // Set as the response starts, because an error response clears headers that were set before.
            http.Response.OnStarting(
                static state =>
                {
                    var (http, origin) = ((HttpContext, string))state;
                    Write(http.Response.Headers, origin);
                    http.Response.Headers.AccessControlExposeHeaders = Exposed;
                    return Task.CompletedTask;
                },
                (http, origin)
            );
        }
    }

    /// <summary>Answers the question whether a page may send a request.</summary>
    /// <param name="methods">Methods of the path, comma-separated.</param>
    /// <returns>False when it is no such question, or the origin is not configured.</returns>
    public bool AnswersPreflight(HttpContext http, string methods)
    {
        if (
            !HttpMethods.IsOptions(http.Request.Method)
            || http.Request.Headers.AccessControlRequestMethod.Count == 0
            || AllowedOf(http) is not { } origin
        )
        {
            return false;
        }

        const string tenMinutes = "600";
        var headers = http.Response.Headers;
        http.Response.StatusCode = StatusCodes.Status204NoContent;
        Write(headers, origin);
        headers.AccessControlAllowMethods = methods;
        headers.AccessControlAllowHeaders = http.Request.Headers.AccessControlRequestHeaders;
        headers.AccessControlMaxAge = tenMinutes;
        return true;
    }

    private static void Write(IHeaderDictionary headers, string origin)
    {
        headers.AccessControlAllowOrigin = origin;
        if (origin != Any)
        {
            headers.Append("Vary", "Origin");
        }
    }

    private string? AllowedOf(HttpContext http)
    {
        var allowed = options.Value.CorsOrigins;
        return allowed.Count == 0 || http.Request.Headers.Origin is not [{ Length: > 0 } origin] ? null
            : allowed.Contains(Any, StringComparer.Ordinal) ? Any
            : allowed.Contains(origin, StringComparer.OrdinalIgnoreCase) ? origin
            : null;
    }
}
