using System.Text.Json;
using System.Text.Json.Nodes;

namespace Scheduler.Providers.Simulated;

/// <summary>The fields that the stand-in runtime reads from an OpenAI-like body.</summary>
internal sealed class StandInRequest(JsonObject body)
{
    /// <summary>Deeper bodies are rejected, as by the JSON parsers of real runtimes.</summary>
    private const int MaxDepth = 64;

    internal string Model => Text(body["model"]) ?? "";

    internal bool Stream => body["stream"] is JsonValue value && value.TryGetValue<bool>(out var on) && on;

    internal bool IncludeUsage =>
        body["stream_options"] is JsonObject options
        && options["include_usage"] is JsonValue value
        && value.TryGetValue<bool>(out var on)
        && on;

    internal int? MaxTokens => Whole(body["max_completion_tokens"]) ?? Whole(body["max_tokens"]);

    /// <summary><c>prompt</c> or llama-server's <c>content</c>; null if neither is a string.</summary>
    internal string? Prompt => Text(body["prompt"]) ?? Text(body["content"]);

    internal bool IsLlamaTokenize => body["content"] is not null && body["prompt"] is null;

    internal JsonObject? Schema =>
        body["response_format"] is JsonObject format && format["json_schema"] is JsonObject named
            ? named["schema"] as JsonObject
            : null;

    internal List<string>? Messages =>
        body["messages"] is JsonArray { Count: > 0 } messages ? [.. messages.Select(MessageText)] : null;

    /// <summary><c>input</c> of embeddings: one string or several.</summary>
    internal List<string>? Inputs =>
        body["input"] switch
        {
            JsonArray { Count: > 0 } texts when texts.All(text => Text(text) is not null) =>
            [
                .. texts.Select(text => Text(text)!),
            ],
            { } one when Text(one) is { } text => [text],
            _ => null,
        };

    internal static async Task<StandInRequest?> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        try
        {
            var node = await JsonNode.ParseAsync(
                stream,
                documentOptions: new JsonDocumentOptions { MaxDepth = MaxDepth },
                cancellationToken: cancellationToken
            );
            return node is JsonObject body ? new StandInRequest(body) : null;
        }
        catch (JsonException)
        {
            // The caller sent invalid JSON; the API answers with status 400.
            return null;
        }
    }

    /// <summary>The content is a string or a list of parts; only the text parts count.</summary>
    private static string MessageText(JsonNode? message) =>
        (message as JsonObject)?["content"] switch
        {
            JsonArray parts => string.Concat(parts.Select(part => Text((part as JsonObject)?["text"]) ?? "")),
            var content => Text(content) ?? "",
        };

    private static string? Text(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    private static int? Whole(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue<int>(out var number) ? number : null;
}
