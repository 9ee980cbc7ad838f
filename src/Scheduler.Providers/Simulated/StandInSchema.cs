using System.Text.Json.Nodes;

namespace Scheduler.Providers.Simulated;

/// <summary>
/// An answer that follows a JSON schema as a runtime with structured output would, so that a judge can be played whose answer depends on
/// the text: of a list of values the first, and yes where the text holds a word.
/// </summary>
internal static class StandInSchema
{
    /// <summary>The answer; null where the schema is not that of an object.</summary>
    /// <param name="schema">The schema of <c>response_format</c>.</param>
    /// <param name="text">The last message.</param>
    /// <param name="yesWord">The word.</param>
    internal static string? Answer(JsonObject schema, string text, string yesWord)
    {
        if (schema["properties"] is not JsonObject properties)
        {
            return null;
        }

        var says = text.Contains(yesWord, StringComparison.OrdinalIgnoreCase);
        var answer = new JsonObject();
        foreach (var (name, property) in properties)
        {
            answer[name] =
                property is JsonObject of && of["enum"] is JsonArray { Count: > 0 } values
                    ? values[0]?.DeepClone()
                    : says;
        }

        return answer.ToJsonString();
    }
}
