using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Options;
using Scheduler.Edge;

namespace Scheduler.Api.Pipeline;

/// <summary>
/// Refuses requests to a host name that the settings do not allow. Otherwise a web page could give its own name this address and read
/// answers in the browser of a user. Probes may use any name.
/// </summary>
internal sealed class AllowedHosts(RequestDelegate next, IOptions<ApiOptions> options)
{
    /// <summary>Begins a pattern that matches every name below a domain.</summary>
    public const string AnyBelow = "*.";

    private readonly string[] _allowed = [.. options.Value.AllowedHosts];

    public Task InvokeAsync(HttpContext http) =>
        _allowed.Length == 0
        || http.Request.Path.Value is "/livez" or "/readyz"
        || Array.Exists(_allowed, pattern => Matches(pattern, http.Request.Host.Host))
            ? next(http)
            : throw new ApiException(ApiError.HostNotAllowed());

    private static bool Matches(string pattern, string host) =>
        pattern.StartsWith(AnyBelow, StringComparison.Ordinal)
            ? host.Length >= pattern.Length && host.EndsWith(pattern[1..], StringComparison.OrdinalIgnoreCase)
            : host.Equals(pattern, StringComparison.OrdinalIgnoreCase);
}
