using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace Scheduler.VendorServers;

/// <param name="Path">With a leading slash, without the query.</param>
public sealed record VendorRequest(
    string Method,
    string Path,
    IReadOnlyDictionary<string, StringValues> Query,
    IReadOnlyDictionary<string, string> Headers,
    string Body
)
{
    /// <summary>A parameter of the query; null when it is absent.</summary>
    public string? Asked(string name) => Query.TryGetValue(name, out var value) ? value.ToString() : null;

    /// <summary>The token of a bearer header; null without one.</summary>
    public string? Bearer =>
        Headers.GetValueOrDefault("Authorization") is { } header
        && header.StartsWith("Bearer ", StringComparison.Ordinal)
            ? header["Bearer ".Length..]
            : null;

    /// <param name="address">Path and query.</param>
    public static VendorRequest Of(string method, Uri address, IReadOnlyDictionary<string, string> headers, string body)
    {
        ArgumentNullException.ThrowIfNull(address);
        return new(
            method,
            Uri.UnescapeDataString(address.AbsolutePath),
            QueryHelpers.ParseQuery(address.Query),
            new Dictionary<string, string>(headers, StringComparer.OrdinalIgnoreCase),
            body
        );
    }
}
