using System.Text.Json.Nodes;

namespace Scheduler.VendorServers;

/// <param name="StaysOpen">Whether the body never ends, as that of a log stream.</param>
public sealed record VendorReply(int Status, string Body, string ContentType, bool StaysOpen = false)
{
    public IDictionary<string, string> Headers { get; } =
        new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    public static VendorReply Json(int status, JsonNode body, string contentType = "application/json")
    {
        ArgumentNullException.ThrowIfNull(body);
        return new(status, body.ToJsonString(), contentType);
    }

    public static VendorReply Text(int status, string body) => new(status, body, "text/plain");

    public static VendorReply Empty(int status) => new(status, "", "text/plain");
}
