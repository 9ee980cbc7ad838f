using System.Text.Json;

namespace Scheduler.Inference.ContextCheck;

/// <summary>
/// The sizes of a prompt member without messages: a runtime reads each text of a list as a prompt of its own, so each
/// must fit alone.
/// </summary>
/// <param name="MostTokens">The bound of the longest prompt, tokens.</param>
/// <param name="MostIds">The longest prompt of token ids alone, tokens; such a count is exact.</param>
/// <param name="Longest">JSON of the longest prompt that has texts; empty when there is none.</param>
internal readonly record struct PromptSizes(long MostTokens, long MostIds, ReadOnlyMemory<byte> Longest)
{
    /// <summary>Most tokens that a tokenizer adds to a prompt: begin, end, separators.</summary>
    public const int SpecialTokens = 16;

    /// <param name="json">The member's value: a text, token ids, both in one list, or a list of these.</param>
    public static PromptSizes Of(ReadOnlyMemory<byte> json) => Of(json, null);

    /// <summary>JSON of each prompt that has texts, and the bound of its tokens; the largest bound first.</summary>
    public static IReadOnlyList<(long MostTokens, ReadOnlyMemory<byte> Json)> TextsOf(ReadOnlyMemory<byte> json)
    {
        var texts = new List<(long MostTokens, ReadOnlyMemory<byte> Json)>();
        Of(json, texts);
        texts.Sort(static (a, b) => b.MostTokens.CompareTo(a.MostTokens));
        return texts;
    }

    private static PromptSizes Of(ReadOnlyMemory<byte> json, List<(long, ReadOnlyMemory<byte>)>? texts)
    {
        var reader = new Utf8JsonReader(json.Span);
        reader.Read();
        var sizes = new PromptSizes(0, 0, default);
        Read(ref reader, json, ref sizes, texts);
        return sizes;
    }

    private static void Read(
        ref Utf8JsonReader reader,
        ReadOnlyMemory<byte> json,
        ref PromptSizes sizes,
        List<(long, ReadOnlyMemory<byte>)>? texts
    )
    {
        if (reader.TokenType == JsonTokenType.StartArray && !IsOnePrompt(reader))
        {
            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                Read(ref reader, json, ref sizes, texts);
            }

            return;
        }

        var start = (int)reader.TokenStartIndex;
        var (ids, bound) = Measure(ref reader, json.Span);
        if (bound == 0)
        {
            sizes = sizes with { MostTokens = Math.Max(sizes.MostTokens, ids), MostIds = Math.Max(sizes.MostIds, ids) };
            return;
        }

        var prompt = json[start..(int)reader.BytesConsumed];
        texts?.Add((ids + bound, prompt));
        if (ids + bound > sizes.MostTokens || sizes.Longest.IsEmpty)
        {
            sizes = sizes with { MostTokens = Math.Max(sizes.MostTokens, ids + bound), Longest = prompt };
        }
    }

    /// <summary>Whether a list has a number in it: token ids, or texts and token ids that llama-server joins.</summary>
    private static bool IsOnePrompt(Utf8JsonReader ahead)
    {
        while (ahead.Read() && ahead.TokenType != JsonTokenType.EndArray)
        {
            if (ahead.TokenType == JsonTokenType.Number)
            {
                return true;
            }

            ahead.Skip();
        }

        return false;
    }

    /// <summary>The token ids of one prompt and the bound of its other content.</summary>
    private static (long Ids, long Bound) Measure(ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            return (0, TextBound.OfJson(json[start..(int)reader.BytesConsumed]));
        }

        var (ids, bound) = (0L, 0L);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.Number)
            {
                ids++;
                continue;
            }

            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            bound += TextBound.OfJson(json[start..(int)reader.BytesConsumed]);
        }

        return (ids, bound);
    }
}
