using System.Globalization;
using System.Text.Json;

namespace Scheduler.Providers.Http;

/// <summary>Reads members of answers without trusting their types: a wrong type reads as absent.</summary>
internal static class VendorJson
{
    /// <summary>The value, when it is text.</summary>
    internal static string? Text(this JsonElement value) =>
        value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    internal static string? Text(this JsonElement parent, string name) =>
        parent.Member(name) is { } member ? member.Text() : null;

    /// <summary>Text, or a number as text: vendors write ids as either.</summary>
    internal static string? IdText(this JsonElement parent, string name) =>
        parent.Member(name) is not { } member ? null
        : member.ValueKind == JsonValueKind.Number ? member.GetRawText()
        : member.Text();

    internal static long? Whole(this JsonElement parent, string name) =>
        parent.Member(name) is { ValueKind: JsonValueKind.Number } member && member.TryGetInt64(out var number)
            ? number
            : null;

    internal static decimal? Decimal(this JsonElement parent, string name) =>
        parent.Member(name) is { ValueKind: JsonValueKind.Number } member && member.TryGetDecimal(out var number)
            ? number
            : null;

    internal static bool? Flag(this JsonElement parent, string name) =>
        parent.Member(name)?.ValueKind switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => null,
        };

    internal static DateTimeOffset? Time(this JsonElement parent, string name) =>
        DateTimeOffset.TryParse(
            parent.Text(name),
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
            out var time
        )
            ? time
            : null;

    internal static JsonElement? Member(this JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var member) ? member : null;

    /// <summary>The items of a list; none when the member is not a list.</summary>
    internal static IEnumerable<JsonElement> Items(this JsonElement parent, string name) =>
        parent.Member(name) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray() : [];
}
