using System.Runtime.InteropServices;
using System.Text.Json;

namespace Scheduler.Inference.Dialects;

/// <summary>The tokens of an answer as its runtime counted them.</summary>
/// <param name="Cached">Of the prompt: tokens that the runtime had computed before.</param>
/// <param name="Reasoning">Of the completion: tokens of thinking.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct AnswerUsage(long Prompt, long Completion, long Cached, long Reasoning)
{
    /// <param name="usage">The member <c>usage</c> of a chat completion.</param>
    public static AnswerUsage Of(JsonElement usage)
    {
        var prompt = Number(usage, "prompt_tokens");
        return new(
            prompt,
            Number(usage, "completion_tokens"),
            Math.Min(prompt, Number(Inner(usage, "prompt_tokens_details"), "cached_tokens")),
            Number(Inner(usage, "completion_tokens_details"), "reasoning_tokens")
        );
    }

    private static JsonElement Inner(JsonElement from, string name) =>
        from.TryGetProperty(name, out var inner) ? inner : default;

    private static long Number(JsonElement from, string name) =>
        from.ValueKind == JsonValueKind.Object
        && from.TryGetProperty(name, out var value)
        && value.ValueKind == JsonValueKind.Number
        && value.TryGetInt64(out var number)
            ? Math.Max(0, number)
            : 0;
}
