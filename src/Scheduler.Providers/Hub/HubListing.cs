using System.Collections.Immutable;
using System.Text.Json;

namespace Scheduler.Providers.Hub;

/// <summary>The answer of <c>GET /api/models/{repository}/revision/{revision}</c>, as far as an import needs it.</summary>
/// <param name="Commit">Hash of the commit.</param>
/// <param name="Files">Names relative to the root, those with odd characters left out.</param>
internal sealed record HubListing(string Commit, bool IsDisabled, string? License, ImmutableArray<string> Files)
{
    private const int MostFiles = 20_000;
    private const int LongestName = 512;

    /// <returns>Null when the answer is no listing.</returns>
    internal static HubListing? Parse(ReadOnlyMemory<byte> json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 32 });
            var root = document.RootElement;
            return
                root.ValueKind == JsonValueKind.Object
                && root.TryGetProperty("sha", out var sha)
                && sha.ValueKind == JsonValueKind.String
                && IsCommit(sha.GetString()!)
                && root.TryGetProperty("siblings", out var files)
                && files.ValueKind == JsonValueKind.Array
                ? new HubListing(sha.GetString()!, IsTrue(root, "disabled"), LicenseOf(root), NamesOf(files))
                : null;
        }
        catch (JsonException)
        {
            // The caller reports that the hub's answer is no listing.
            return null;
        }
    }

    private static bool IsCommit(string text) => text.Length is >= 7 and <= 64 && text.All(char.IsAsciiHexDigit);

    private static bool IsTrue(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    private static string? LicenseOf(JsonElement root) =>
        root.TryGetProperty("cardData", out var card)
        && card.ValueKind == JsonValueKind.Object
        && card.TryGetProperty("license", out var license)
        && license.ValueKind == JsonValueKind.String
        && license.GetString() is { Length: > 0 and <= 100 } text
        && !text.Any(char.IsControl)
            ? text
            : null;

    private static ImmutableArray<string> NamesOf(JsonElement files) =>
        [
            .. files
                .EnumerateArray()
                .Take(MostFiles)
                .Where(file => file.ValueKind == JsonValueKind.Object)
                .Select(file =>
                    file.TryGetProperty("rfilename", out var name) && name.ValueKind == JsonValueKind.String
                        ? name.GetString()
                        : null
                )
                .OfType<string>()
                .Where(IsPlain),
        ];

    private static bool IsPlain(string name) =>
        name.Length <= LongestName
        && !name.Any(char.IsControl)
        && !name.Split('/').Any(part => part is "" or "." or "..");
}
