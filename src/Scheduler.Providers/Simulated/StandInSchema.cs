using System.Text.Json.Nodes;

namespace Scheduler.Providers.Simulated;

/// <summary>
/// Answers according to a JSON schema, like a runtime with structured output. This simulates a judge whose answer
/// depends on the text: the first value of each enum, and otherwise true if the text contains a word.
/// </summary>
internal static class StandInSchema
{
    /// <returns>Null if the schema does not describe an object.</returns>
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
