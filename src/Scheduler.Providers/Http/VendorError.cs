using System.Text;
using System.Text.Json;

namespace Scheduler.Providers.Http;

/// <summary>An error body. Vendors use different shapes; all known ones are read here.</summary>
/// <param name="Code">The vendor's code for programs; null without one.</param>
/// <param name="Words">What it says to people, cleaned; never empty.</param>
internal sealed record VendorError(string? Code, string Words)
{
    private static readonly string[] Texts = ["detail", "message", "msg", "error_description", "suggestion", "title"];

    private static readonly string[] Codes = ["code", "error_code", "error"];

    /// <summary>
    /// Reads problem+json (<c>title</c>, <c>detail</c>, <c>errors</c>), an <c>error</c> that is an object or a text, and plain text.
    /// </summary>
    internal static VendorError Read(int status, string body, string? secret)
    {
        var (code, words) = Parse(body);
        var said = string.IsNullOrWhiteSpace(words) ? $"HTTP {status} without a message" : words;
        return new VendorError(code is null ? null : VendorWords.Clean(code, secret), VendorWords.Clean(said, secret));
    }

    private static (string? Code, string Words) Parse(string body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                return (null, body);
            }

            var inner =
                root.TryGetProperty("error", out var error) && error.ValueKind == JsonValueKind.Object ? error : root;
            return (CodeOf(inner), WordsOf(inner, root));
        }
        catch (JsonException)
        {
            // Plain text, or an HTML page of a proxy.
            return (null, body);
        }
    }

    private static string? CodeOf(JsonElement error) =>
        Codes.Select(name => error.Text(name)).FirstOrDefault(code => !string.IsNullOrEmpty(code));

    private static string WordsOf(JsonElement error, JsonElement root)
    {
        var words = new StringBuilder();
        foreach (var text in Texts.Select(name => error.Text(name)).OfType<string>().Where(text => text.Length > 0))
        {
            // The title only repeats the status when there is a detail.
            Add(words, text);
            if (words.Length > 0 && text == error.Text("detail"))
            {
                break;
            }
        }

        if (words.Length == 0 && error.Text("error") is { } only)
        {
            Add(words, only);
        }

        foreach (var name in (string[])["errors", "field_errors"])
        {
            if (root.TryGetProperty(name, out var details))
            {
                Add(words, DetailsOf(details));
            }
        }

        return words.ToString();
    }

    private static string DetailsOf(JsonElement details) =>
        details.ValueKind switch
        {
            JsonValueKind.Array => string.Join(
                "; ",
                details.EnumerateArray().Select(item => item.Text() ?? item.GetRawText())
            ),
            JsonValueKind.Object => string.Join(
                "; ",
                details
                    .EnumerateObject()
                    .Select(item => $"{item.Name}: {item.Value.Text("message") ?? item.Value.GetRawText()}")
            ),
            _ => "",
        };

    private static void Add(StringBuilder words, string text)
    {
        if (text.Length > 0)
        {
            words
                .Append(
                    words.Length == 0 ? ""
                    : words[^1] == '.' ? " "
                    : ": "
                )
                .Append(text);
        }
    }
}
