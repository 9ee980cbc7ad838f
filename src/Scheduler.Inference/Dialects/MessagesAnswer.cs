using System.Buffers;
using System.Collections.Frozen;
using System.Text.Json;
using Scheduler.Edge;

namespace Scheduler.Inference.Dialects;

/// <summary>Writes a message of Anthropic's Messages API, or the events of its stream.</summary>
/// <remarks>
/// A stream is <c>message_start</c>, then for each block its start, deltas and stop, then <c>message_delta</c> with the
/// reason and the usage, and <c>message_stop</c>. Runtimes tell the size of the prompt at the end only, so
/// <c>message_start</c> says 0 and <c>message_delta</c> has both counts.
/// </remarks>
/// <param name="model">The name that the client sent.</param>
internal sealed class MessagesAnswer(RequestScope scope, string model, FrozenSet<string> stops)
    : AnswerTranslation(scope)
{
    /// <summary>The vendor signs thoughts. Nothing here checks a signature, and clients send back what they got.</summary>
    private const string Signature = "unsigned";

    private readonly List<AnswerBlock> _blocks = [];

    private string? StopSequence =>
        FinishReason is "stop" && StoppedBy is { } said && stops.Contains(said) ? said : null;

    private string StopReason =>
        FinishReason switch
        {
            "length" => "max_tokens",
            "content_filter" => "refusal",
            _ when HasCalls => "tool_use",
            _ when StopSequence is not null => "stop_sequence",
            _ => "end_turn",
        };

    protected override void OnBegin()
    {
        Send("message_start", json => WriteMessage(json, "message", isWhole: false));
        Send("ping", _ => { });
    }

    protected override void OnOpen(AnswerBlock block)
    {
        _blocks.Add(block);
        Send(
            "content_block_start",
            json =>
            {
                json.WriteNumber("index", block.Index);
                json.WritePropertyName("content_block");
                WriteBlock(json, block, isWhole: false);
            }
        );
    }

    protected override void OnText(AnswerBlock block, string text)
    {
        if (!IsStream)
        {
            block.Text.Append(text);
            return;
        }

        var (type, name) = block.Kind switch
        {
            BlockKind.Thought => ("thinking_delta", "thinking"),
            BlockKind.Call => ("input_json_delta", "partial_json"),
            BlockKind.Text or BlockKind.Refusal => ("text_delta", "text"),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        SendDelta(block, type, name, text);
    }

    protected override void OnClose(AnswerBlock block)
    {
        if (block.Kind == BlockKind.Thought)
        {
            SendDelta(block, "signature_delta", "signature", Signature);
        }

        Send("content_block_stop", json => json.WriteNumber("index", block.Index));
    }

    protected override void OnEnd()
    {
        Send(
            "message_delta",
            json =>
            {
                json.WriteStartObject("delta");
                json.WriteString("stop_reason", StopReason);
                json.WriteString("stop_sequence", StopSequence);
                json.WriteEndObject();
                WriteUsage(json, Usage);
            }
        );
        Send("message_stop", _ => { });
    }

    protected override void OnBreak(ApiError error) => Events.Write(MessagesErrors.Shape.Event(error, Scope));

    protected override void WriteWhole(Utf8JsonWriter json) => WriteMessage(json, null, isWhole: true);

    private void SendDelta(AnswerBlock block, string type, string name, string text) =>
        Send(
            "content_block_delta",
            json =>
            {
                json.WriteNumber("index", block.Index);
                json.WriteStartObject("delta");
                json.WriteString("type", type);
                json.WriteString(name, text);
                json.WriteEndObject();
            }
        );

    private void WriteMessage(Utf8JsonWriter json, string? name, bool isWhole)
    {
        if (name is not null)
        {
            json.WritePropertyName(name);
        }

        json.WriteStartObject();
        json.WriteString("id", $"msg_{Scope.Id.Value}");
        json.WriteString("type", "message");
        json.WriteString("role", "assistant");
        json.WriteString("model", model);
        json.WriteStartArray("content");
        foreach (var block in _blocks)
        {
            WriteBlock(json, block, isWhole: true);
        }

        json.WriteEndArray();
        json.WriteString("stop_reason", isWhole ? StopReason : null);
        json.WriteString("stop_sequence", isWhole ? StopSequence : null);
        WriteUsage(json, isWhole ? Usage : default);
        json.WriteEndObject();
    }

    private static void WriteBlock(Utf8JsonWriter json, AnswerBlock block, bool isWhole)
    {
        json.WriteStartObject();
        switch (block.Kind)
        {
            case BlockKind.Text or BlockKind.Refusal:
                json.WriteString("type", "text");
                json.WriteString("text", block.Text.ToString());
                break;
            case BlockKind.Thought:
                json.WriteString("type", "thinking");
                json.WriteString("thinking", block.Text.ToString());
                json.WriteString("signature", isWhole ? Signature : "");
                break;
            case BlockKind.Call:
                json.WriteString("type", "tool_use");
                json.WriteString("id", block.CallId);
                json.WriteString("name", block.Name);
                json.WritePropertyName("input");
                WriteInput(json, block);
                break;
            default:
                throw new System.Diagnostics.UnreachableException();
        }

        json.WriteEndObject();
    }

    /// <summary>The arguments as an object. Where they are none, their text is its only member.</summary>
    private static void WriteInput(Utf8JsonWriter json, AnswerBlock block)
    {
        using var input = block.Arguments();
        if (input is not null)
        {
            input.RootElement.WriteTo(json);
            return;
        }

        json.WriteStartObject();
        if (block.Text.Length > 0)
        {
            json.WriteString("invalid_arguments", block.Text.ToString());
        }

        json.WriteEndObject();
    }

    private static void WriteUsage(Utf8JsonWriter json, AnswerUsage usage)
    {
        json.WriteStartObject("usage");
        json.WriteNumber("input_tokens", usage.Prompt - usage.Cached);
        json.WriteNumber("cache_creation_input_tokens", 0);
        json.WriteNumber("cache_read_input_tokens", usage.Cached);
        json.WriteNumber("output_tokens", usage.Completion);
        json.WriteEndObject();
    }
}
