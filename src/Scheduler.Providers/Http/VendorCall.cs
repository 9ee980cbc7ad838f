using System.Text.Json;
using System.Text.Json.Nodes;

namespace Scheduler.Providers.Http;

/// <param name="Path">Below the base address, without a leading slash, with its query.</param>
/// <param name="Body">Sent as JSON; null sends no body.</param>
internal sealed record VendorCall(HttpMethod Method, string Path, CallKind Kind, JsonNode? Body = null)
{
    /// <summary>Method and path without the query, for messages.</summary>
    internal string Name => $"{Method} /{Path.Split('?')[0]}";

    internal string? BodyText => Body?.ToJsonString(JsonSerializerOptions.Default);

    internal static VendorCall Get(string path, CallKind kind = CallKind.Read) => new(HttpMethod.Get, path, kind);

    // The body may hold a runtime key.
    public override string ToString() => Name;
}
