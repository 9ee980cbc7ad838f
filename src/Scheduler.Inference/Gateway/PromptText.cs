using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Inference.Firewalls;

namespace Scheduler.Inference.Gateway;

/// <summary>
/// Collects every text in a request that a model could read: messages in order, then every other text in the body. A
/// model must not see any text that the judge did not see (INV-10).
/// </summary>
internal static class PromptText
{
    /// <summary>Members that never reach a prompt.</summary>
    private static readonly string[] Settings =
    [
        "model",
        "firewall",
        "stream",
        "stream_options",
        "user",
        "encoding_format",
        "tool_choice",
        "service_tier",
    ];

    /// <exception cref="ApiException">A member occurs twice, so parsers could disagree on its value.</exception>
    public static ImmutableArray<PromptPart> Of(InferenceRequest request)
    {
        if (!request.Kind.HasReader())
        {
            // The body was not read, so no judge can see it.
            return [new PromptPart("user", request.Path, IsText: false)];
        }

        JsonObject tree;
        try
        {
            tree = request.Tree();
        }
        catch (JsonException e)
        {
            throw new ApiException(ApiError.Invalid([new FieldFault("body", $"Cannot be judged: {e.Message}")]));
        }

        var parts = ImmutableArray.CreateBuilder<PromptPart>();
        if (tree["messages"] is JsonArray messages)
        {
            foreach (var message in messages)
            {
                AddMessage(parts, message);
            }
        }

        foreach (var (name, value) in tree)
        {
            if (name is not "messages" && !Settings.Contains(name, StringComparer.Ordinal))
            {
                AddTexts(parts, name is "prompt" or "input" ? "user" : name, value);
            }
        }

        return parts.DrainToImmutable();
    }

    private static void AddMessage(ImmutableArray<PromptPart>.Builder parts, JsonNode? message)
    {
        if (message is not JsonObject members)
        {
            AddTexts(parts, "user", message);
            return;
        }

        var role = members["role"] is JsonValue value && value.TryGetValue<string>(out var text) ? text : "user";
        foreach (var (name, member) in members)
        {
            if (name is not "role")
            {
                AddTexts(parts, role, member);
            }
        }
    }

    private static void AddTexts(ImmutableArray<PromptPart>.Builder parts, string role, JsonNode? node)
    {
        switch (node)
        {
            case JsonArray ids when ids.Count > 0 && ids.All(id => id?.GetValueKind() == JsonValueKind.Number):
                // Token ids: only the tokenizer can read them.
                parts.Add(new PromptPart(role, "", IsText: false));
                break;
            case JsonArray many:
                foreach (var one in many)
                {
                    AddTexts(parts, role, one);
                }

                break;
            case JsonObject members:
                if (members["type"] is JsonValue type && type.TryGetValue<string>(out var kind) && IsMedia(kind))
                {
                    parts.Add(new PromptPart(role, kind, IsText: false));
                    break;
                }

                foreach (var (name, value) in members)
                {
                    // Models also read property names: tools are shown to them as JSON.
                    parts.Add(new PromptPart(role, name));
                    AddTexts(parts, role, value);
                }

                break;
            case JsonValue value when value.TryGetValue<string>(out var text):
                parts.Add(new PromptPart(role, text));
                break;
            default:
                break;
        }
    }

    private static bool IsMedia(string kind) =>
        kind.Contains("image", StringComparison.OrdinalIgnoreCase)
        || kind.Contains("audio", StringComparison.OrdinalIgnoreCase)
        || kind.Contains("video", StringComparison.OrdinalIgnoreCase)
        || kind.Contains("file", StringComparison.OrdinalIgnoreCase);
}
