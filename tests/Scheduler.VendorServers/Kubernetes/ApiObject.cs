using System.Globalization;
using System.Text.Json.Nodes;

namespace Scheduler.VendorServers.Kubernetes;

/// <summary>Reads members of API objects by their paths.</summary>
internal static class ApiObject
{
    internal static JsonObject Meta(this JsonObject item) => (JsonObject)item["metadata"]!;

    internal static string Name(this JsonObject item) => item.Text("metadata", "name") ?? "";

    internal static string Uid(this JsonObject item) => item.Text("metadata", "uid") ?? "";

    internal static string? Text(this JsonNode? item, params ReadOnlySpan<string> path) =>
        item.At(path) is JsonValue value ? value.ToString() : null;

    internal static JsonNode? At(this JsonNode? item, params ReadOnlySpan<string> path)
    {
        foreach (var part in path)
        {
            item = (item as JsonObject)?[part];
        }

        return item;
    }

    /// <summary>The object at a member; an empty one is added if there is none.</summary>
    internal static JsonObject Within(this JsonObject item, string member)
    {
        if (item[member] is not JsonObject inner)
        {
            inner = [];
            item[member] = inner;
        }

        return inner;
    }

    internal static IEnumerable<JsonObject> Items(this JsonNode? item, params ReadOnlySpan<string> path) =>
        item.At(path) is JsonArray array ? array.OfType<JsonObject>() : [];

    internal static bool IsBeingDeleted(this JsonObject item) => item.At("metadata", "deletionTimestamp") is not null;

    internal static string Time(DateTimeOffset moment) =>
        moment.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    internal static string MicroTime(DateTimeOffset moment) =>
        moment.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture);

    /// <summary>An amount such as <c>100m</c>, <c>4Gi</c> or <c>8</c>; 0 for none.</summary>
    internal static decimal Amount(this JsonNode? item, params ReadOnlySpan<string> path)
    {
        var text = item.Text(path) ?? "0";
        (string Suffix, decimal Factor)[] units =
        [
            ("Ki", 1L << 10),
            ("Mi", 1L << 20),
            ("Gi", 1L << 30),
            ("Ti", 1L << 40),
            ("m", 0.001m),
            ("k", 1_000),
            ("M", 1_000_000),
            ("G", 1_000_000_000),
        ];
        foreach (var (suffix, factor) in units)
        {
            if (text.EndsWith(suffix, StringComparison.Ordinal))
            {
                return decimal.Parse(text[..^suffix.Length], CultureInfo.InvariantCulture) * factor;
            }
        }

        return decimal.Parse(text, CultureInfo.InvariantCulture);
    }
}
