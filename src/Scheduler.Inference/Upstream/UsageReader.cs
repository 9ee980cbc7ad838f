using System.Text.Json;

namespace Scheduler.Inference.Upstream;

internal static class UsageReader
{
    /// <summary>
    /// Reads the member <c>usage</c> of an answer or of one event of a stream. It may be in the words of chat completions
    /// or of a dialect; the Messages API counts cached tokens apart.
    /// </summary>
    /// <returns>False when it is absent or null.</returns>
    public static bool TryRead(ReadOnlySpan<byte> json, out TokenUsage usage)
    {
        usage = default;

        // The last occurrence: an earlier text may contain the same word.
        var at = json.LastIndexOf("\"usage\""u8);
        if (at < 0)
        {
            return false;
        }

        var rest = json[(at + "\"usage\""u8.Length)..];
        var colon = rest.IndexOfAnyExcept(" \t\r\n"u8);
        if (colon < 0 || rest[colon] != (byte)':')
        {
            return false;
        }

        try
        {
            return TryReadObject(rest[(colon + 1)..], out usage);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Malformed JSON from the runtime: it has no readable usage. InvalidOperationException: a name with an
            // invalid UTF-16 escape.
            return false;
        }
    }

    /// <summary>Whether an event carries usage and no choices; sent only when usage was requested.</summary>
    public static bool IsUsageAlone(ReadOnlySpan<byte> json)
    {
        var at = json.IndexOf("\"choices\""u8);
        if (at < 0)
        {
            return false;
        }

        var rest = json[(at + "\"choices\""u8.Length)..];
        foreach (var wanted in ":[]"u8)
        {
            var next = rest.IndexOfAnyExcept(" \t\r\n"u8);
            if (next < 0 || rest[next] != wanted)
            {
                return false;
            }

            rest = rest[(next + 1)..];
        }

        return true;
    }

    private static bool TryReadObject(ReadOnlySpan<byte> json, out TokenUsage usage)
    {
        usage = default;
        var reader = new Utf8JsonReader(json, isFinalBlock: false, default);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        long prompt = 0;
        long completion = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isPrompt =
                reader.ValueTextEquals("prompt_tokens"u8)
                || reader.ValueTextEquals("input_tokens"u8)
                || reader.ValueTextEquals("cache_read_input_tokens"u8)
                || reader.ValueTextEquals("cache_creation_input_tokens"u8);
            var isCompletion =
                reader.ValueTextEquals("completion_tokens"u8) || reader.ValueTextEquals("output_tokens"u8);
            if (!reader.Read() || !reader.TrySkip())
            {
                return false;
            }

            if ((isPrompt || isCompletion) && reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var n))
            {
                (isPrompt ? ref prompt : ref completion) += Math.Max(0, n);
            }
        }

        usage = new TokenUsage(prompt, completion);
        return reader.TokenType == JsonTokenType.EndObject;
    }
}
