using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;

namespace Scheduler.Providers.Simulated;

/// <summary>
/// Tokenizer of the stand-in runtime: every four bytes of UTF-8 are one token. No real model uses it. Like real
/// tokenizers it is exact and deterministic, and never produces more tokens than bytes.
/// </summary>
internal static class StandInTokens
{
    private const int BytesPerToken = 4;

    /// <summary>Tokens that a chat template adds to each message, and once for the start of the answer.</summary>
    private const int TokensAroundMessage = 3;

    internal static int Count(string text) => (Encoding.UTF8.GetByteCount(text) + BytesPerToken - 1) / BytesPerToken;

    internal static int CountChat(IEnumerable<string> messages) =>
        messages.Sum(text => Count(text) + TokensAroundMessage) + TokensAroundMessage;

    internal static JsonArray Ids(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var ids = new JsonArray();
        Span<byte> four = stackalloc byte[BytesPerToken];
        for (var at = 0; at < bytes.Length; at += BytesPerToken)
        {
            four.Clear();
            bytes.AsSpan(at, Math.Min(BytesPerToken, bytes.Length - at)).CopyTo(four);
            ids.Add(BinaryPrimitives.ReadInt32LittleEndian(four) & int.MaxValue);
        }

        return ids;
    }

    /// <summary>Splits a text before each space. Each piece counts as one output token.</summary>
    internal static List<string> Pieces(string text)
    {
        var pieces = new List<string>();
        var start = 0;
        for (var i = 1; i <= text.Length; i++)
        {
            if (i == text.Length || text[i] == ' ')
            {
                pieces.Add(text[start..i]);
                start = i;
            }
        }

        return pieces;
    }

    /// <summary>A vector of length 1 that depends only on the text.</summary>
    internal static JsonArray Embedding(string text, int dimensions)
    {
        var values = new double[dimensions];
        for (var i = 0; i < dimensions; i++)
        {
            values[i] = (SeededDraw.Unit(i, "embedding", text) * 2) - 1;
        }

        var length = Math.Sqrt(values.Sum(value => value * value));
        return [.. values.Select(value => (JsonNode)Math.Round(value / length, 6))];
    }
}
