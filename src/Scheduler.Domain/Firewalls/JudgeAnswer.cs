using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Scheduler.Domain.Firewalls;

/// <summary>
/// What a judge said. The form is narrow on purpose: one JSON object with the question's marker and exactly one boolean for each rule
/// number, in any order, nothing around it but white space. Whatever else came is no answer, and no answer is not a no.
/// </summary>
public static class JudgeAnswer
{
    /// <summary>The key under which an answer repeats its question's marker.</summary>
    public const string MarkerName = "marker";

    /// <summary>Longer texts are not looked at.</summary>
    public const int LongestLength = 8_192;

    /// <summary>Reads an answer.</summary>
    /// <param name="text">What the judge wrote; null where it wrote nothing.</param>
    /// <param name="question">What it was asked.</param>
    /// <param name="answers">One for each rule, in their order.</param>
    /// <returns>Whether it is an answer.</returns>
    public static bool TryRead(string? text, JudgeQuestion question, out ImmutableArray<bool> answers)
    {
        ArgumentNullException.ThrowIfNull(question);
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
            // Not JSON is the commonest way of not being an answer.
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
            // Nothing in the form needs an escape, so a name that has one is not of the form.
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

        // Reading on past the end of the object throws where something follows it.
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

    /// <summary>A rule's place, from 0; null for what is not the number of a rule as it was written in the question.</summary>
    private static int? IndexOf(string name, int rules) =>
        int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number >= 1
        && number <= rules
        && name[0] != '0'
            ? number - 1
            : null;
}
