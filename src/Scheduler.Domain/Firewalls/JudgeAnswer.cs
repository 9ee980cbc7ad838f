using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Scheduler.Domain.Firewalls;

/// <summary>
/// Reads a judge's answer. The accepted form is narrow on purpose: one JSON object with the question's marker and
/// exactly one boolean for each rule number, in any order, with nothing but white space around it. Any other text is no
/// answer, and no answer does not mean no.
/// </summary>
public static class JudgeAnswer
{
    /// <summary>The key of the question's marker in an answer.</summary>
    public const string MarkerName = "marker";

    /// <summary>Longer texts are no answers.</summary>
    public const int LongestLength = 8_192;

    /// <param name="text">The judge's text; null if it wrote none.</param>
    /// <param name="question">The question to which the text must be the answer.</param>
    /// <param name="answers">One for each rule, in the order of the rules.</param>
    public static bool TryRead(string? text, JudgeQuestion question, out ImmutableArray<bool> answers)
    {
        answers = [];
        if (text is null || text.Length > LongestLength)
        {
            return false;
        }

        try
        {
            return TryRead(Encoding.UTF8.GetBytes(text), question, ref answers);
        }
        catch (JsonException)
        {
            // Most texts that are no answers are not JSON.
            return false;
        }
    }

    private static bool TryRead(ReadOnlySpan<byte> json, JudgeQuestion question, ref ImmutableArray<bool> answers)
    {
        var said = new bool?[question.Rules];
        var isMarked = false;
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 1 });
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            // No key of the form needs an escape, so an escaped key is not accepted.
            var name = reader.ValueIsEscaped ? "" : Encoding.UTF8.GetString(reader.ValueSpan);
            reader.Read();
            if (!isMarked && string.Equals(name, MarkerName, StringComparison.Ordinal))
            {
                isMarked = IsMarker(ref reader, question.Marker);
                if (!isMarked)
                {
                    return false;
                }
            }
            else if (IndexOf(name, said.Length) is { } index && said[index] is null && IsBoolean(reader.TokenType))
            {
                said[index] = reader.TokenType == JsonTokenType.True;
            }
            else
            {
                return false;
            }
        }

        // A read past the end of the object throws if anything follows it.
        if (reader.TokenType != JsonTokenType.EndObject || reader.Read() || !isMarked || said.Contains(null))
        {
            return false;
        }

        answers = [.. said.Select(answer => answer!.Value)];
        return true;
    }

    private static bool IsMarker(ref Utf8JsonReader reader, string marker) =>
        reader is { TokenType: JsonTokenType.String, ValueIsEscaped: false } && reader.ValueTextEquals(marker);

    private static bool IsBoolean(JsonTokenType type) => type is JsonTokenType.True or JsonTokenType.False;

    /// <summary>
    /// The index of a rule, from 0; null for a name that is not a rule's number as the question writes it.
    /// </summary>
    private static int? IndexOf(string name, int rules) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number >= 1
        && number <= rules
        && name[0] != '0'
            ? number - 1
            : null;
}
