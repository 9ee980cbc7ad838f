using System.Text;
using System.Text.Json;
using Scheduler.Inference.Guard;
using Scheduler.Inference.Upstream;

namespace Scheduler.UnitTests.Inference.Guard;

/// <summary>
/// Compares what a runtime received with what a judge got. It does not use the reader under test: it knows the
/// vocabulary of bodies only, which is no choice of a client.
/// </summary>
internal sealed class SeenText
{
    /// <summary>Members whose numbers are content, not settings.</summary>
    private static readonly HashSet<string> Counted = new(StringComparer.Ordinal)
    {
        "tools",
        "functions",
        "documents",
        "chat_template_kwargs",
        "response_format",
        "guided_json",
        "structured_outputs",
        "json_schema",
        "tool_calls",
        "function_call",
    };

    private static readonly HashSet<string> Vocabulary = new(
        MemberTable
            .Shipped.BodyOf(Scheduler.Inference.Gateway.RequestKind.Chat)
            .All.Concat(MemberTable.Shipped.BodyOf(Scheduler.Inference.Gateway.RequestKind.Completion).All)
            .Concat(MemberTable.Shipped.BodyOf(Scheduler.Inference.Gateway.RequestKind.Embedding).All)
            .Concat(MemberTable.Shipped.Message.All)
            .Concat(MemberTable.Shipped.Part.All)
            .Concat(MemberTable.Shipped.Image.All)
            .Concat(MemberTable.Shipped.Prompt.All)
            .SelectMany(member => member.Words.Append(member.Name)),
        StringComparer.Ordinal
    );

    private readonly string _text;
    private readonly HashSet<string> _images;
    private readonly HashSet<int> _ids;

    /// <param name="questions">The calls that the judge got.</param>
    /// <param name="ids">The token ids whose text the judge got.</param>
    public SeenText(IEnumerable<ChatQuestion> questions, IEnumerable<int> ids)
    {
        var text = new StringBuilder();
        _images = new HashSet<string>(StringComparer.Ordinal);
        foreach (var question in questions)
        {
            _images.UnionWith(question.Images);
            foreach (
                var line in question
                    .User.Split('\n')
                    .Where(line => line.StartsWith("{\"role\"", StringComparison.Ordinal))
            )
            {
                using var piece = JsonDocument.Parse(line);
                text.Append(piece.RootElement.GetProperty("role").GetString()).Append('\n');
                text.Append(piece.RootElement.GetProperty("text").GetString()).Append('\n');
            }
        }

        _text = text.ToString();
        _ids = [.. ids];
    }

    /// <summary>The first text, name, number of content or token id that the judge did not get; null for none.</summary>
    public string? Unseen(ReadOnlyMemory<byte> body)
    {
        using var json = JsonDocument.Parse(body);
        foreach (var member in json.RootElement.EnumerateObject())
        {
            if (member.Name is not "model" && Unseen(member.Name, member.Value, 0) is { } unseen)
            {
                return unseen;
            }
        }

        return null;
    }

    /// <param name="depth">Depth below the list of prompts; ids are at 1 and 2.</param>
    private string? Unseen(string name, JsonElement value, int depth)
    {
        if (depth == 0 && IsHidden(name) && !Vocabulary.Contains(name))
        {
            return name;
        }

        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                return value
                    .EnumerateObject()
                    .Select(member => Unseen(member.Name, member.Value, 0) ?? InContent(name, member.Value))
                    .FirstOrDefault(unseen => unseen is not null);
            case JsonValueKind.Array:
                return value
                    .EnumerateArray()
                    .Select(item => Unseen(name, item, depth + 1))
                    .FirstOrDefault(unseen => unseen is not null);
            case JsonValueKind.String:
                var text = value.GetString()!;
                return IsHidden(text) && !Vocabulary.Contains(text) && !_images.Contains(text) ? text : null;
            case JsonValueKind.Number:
                var isId = depth > 0 && name is "prompt" or "input" or "content" or "input_ids" or "prompt_token_ids";
                return isId && !(value.TryGetInt32(out var id) && _ids.Contains(id)) && IsHidden(value.GetRawText())
                        ? value.GetRawText()
                    : Counted.Contains(name) && IsHidden(value.GetRawText()) ? value.GetRawText()
                    : null;
            case JsonValueKind.True or JsonValueKind.False or JsonValueKind.Null or JsonValueKind.Undefined:
            default:
                return null;
        }
    }

    private string? InContent(string name, JsonElement value) =>
        Counted.Contains(name) && value.ValueKind == JsonValueKind.Number && IsHidden(value.GetRawText())
            ? value.GetRawText()
            : null;

    private bool IsHidden(string text) => !_text.Contains(text, StringComparison.Ordinal);
}
