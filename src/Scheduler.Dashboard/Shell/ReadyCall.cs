using Microsoft.AspNetCore.Http;

namespace Scheduler.Dashboard.Shell;

/// <summary>Commands to copy: they need only a key in the variable <c>KEY</c>.</summary>
internal static class ReadyCall
{
    /// <summary>The address at which the caller reached this process; it serves pages, API and gateway.</summary>
    public static string AddressOf(HttpContext http) => $"{http.Request.Scheme}://{http.Request.Host}";

    /// <summary>A <c>curl</c> that sends a POST request.</summary>
    /// <param name="path">Path of the call, with a leading slash.</param>
    /// <param name="json">Body without a single quote.</param>
    /// <param name="headers">Further headers, without a single quote.</param>
    public static string Post(HttpContext http, string path, string json, params ReadOnlySpan<string> headers)
    {
        var more = string.Concat(headers.ToArray().Select(header => $" -H '{header}'"));
        return $"""
            curl -sS '{AddressOf(http)}{path}' \
              -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json'{more} \
              -d '{json}'
            """;
    }
}
