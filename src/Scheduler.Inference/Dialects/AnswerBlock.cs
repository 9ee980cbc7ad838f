using System.Text;
using System.Text.Json;
using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Dialects;

/// <summary>A piece of an answer: a text, a thought, a refusal, or a call of a tool.</summary>
/// <param name="index">Position in the answer, from 0.</param>
internal sealed class AnswerBlock(BlockKind kind, int index)
{
    public BlockKind Kind => kind;

    public int Index => index;

    /// <summary>Id of the call, as the runtime gave it.</summary>
    public string CallId { get; init; } = "";

    /// <summary>Name of the called tool.</summary>
    public string Name { get; init; } = "";

    /// <summary>The text so far; of a call: its arguments.</summary>
    public StringBuilder Text { get; } = new();

    /// <summary>
    /// The arguments of a call; null where they are no JSON object. A model can be cut off in the middle of them, or
    /// write something else.
    /// </summary>
    public JsonDocument? Arguments()
    {
        var json = Encoding.UTF8.GetBytes(Text.ToString());
        UnicodeText.TryRepair(json);
        JsonDocument parsed;
        try
        {
            parsed = JsonDocument.Parse(json);
        }
        catch (JsonException)
        {
            return null;
        }

        if (parsed.RootElement.ValueKind == JsonValueKind.Object)
        {
            return parsed;
        }

        parsed.Dispose();
        return null;
    }
}

internal enum BlockKind
{
    Text = 0,
    Thought,
    Refusal,
    Call,
}
