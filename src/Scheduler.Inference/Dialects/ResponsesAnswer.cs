using System.Buffers;
using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using Scheduler.Edge;

namespace Scheduler.Inference.Dialects;

/// <summary>Writes a response of OpenAI's Responses API, or the events of its stream.</summary>
/// <remarks>
/// A stream begins with <c>response.created</c> and <c>response.in_progress</c>. Each output item has
/// <c>response.output_item.added</c>, its parts and deltas, and <c>response.output_item.done</c>. The last event is
/// <c>response.completed</c> or <c>response.incomplete</c> with the whole response.
/// </remarks>
/// <param name="model">The name that the client sent.</param>
/// <param name="repeated">Members of the request that the response repeats.</param>
/// <param name="textTools">Tools whose input is a text.</param>
/// <param name="showsSummary">
/// Whether thoughts are given as their summary. Clients that asked for one show nothing else.
/// </param>
internal sealed class ResponsesAnswer(
    RequestScope scope,
    string model,
    DateTimeOffset createdAt,
    JsonObject repeated,
    FrozenSet<string> textTools,
    bool showsSummary
) : AnswerTranslation(scope)
{
    /// <summary>The argument of the function that takes the place of a tool with a text as its input.</summary>
    public const string TextInput = "input";

    private readonly List<AnswerBlock> _output = [];
    private int _sequence;
    private bool _hasBegun;

    private bool IsIncomplete => FinishReason is "length" or "content_filter";

    protected override void OnBegin()
    {
        _hasBegun = true;
        SendResponse("response.created", "in_progress", null);
        SendResponse("response.in_progress", "in_progress", null);
    }

    protected override void OnOpen(AnswerBlock block)
    {
        _output.Add(block);
        SendItem("response.output_item.added", block, "in_progress", isWhole: false);
        if (block.Kind != BlockKind.Call)
        {
            SendPart("added", block, isWhole: false);
        }
    }

    protected override void OnText(AnswerBlock block, string text)
    {
        block.Text.Append(text);
        if (IsTextTool(block))
        {
            // The text is inside the arguments, so it is sent when they are whole.
            return;
        }

        SendText(block, $"{EventOf(block)}.delta", "delta", text);
    }

    protected override void OnClose(AnswerBlock block)
    {
        var text = block.Text.ToString();
        if (IsTextTool(block))
        {
            text = InputOf(block);
            SendText(block, $"{EventOf(block)}.delta", "delta", text);
        }

        SendText(block, $"{EventOf(block)}.done", NameOf(block), text);
        if (block.Kind != BlockKind.Call)
        {
            SendPart("done", block, isWhole: true);
        }

        SendItem("response.output_item.done", block, StatusOf(block), isWhole: true);
    }

    protected override void OnEnd() =>
        SendResponse(
            IsIncomplete ? "response.incomplete" : "response.completed",
            IsIncomplete ? "incomplete" : "completed",
            null
        );

    protected override void OnBreak(ApiError error)
    {
        if (_hasBegun)
        {
            SendResponse("response.failed", "failed", error);
        }

        Events.Write(ResponsesErrors.Event(error, Scope, _sequence++));
    }

    protected override void WriteWhole(Utf8JsonWriter json) =>
        WriteResponse(json, IsIncomplete ? "incomplete" : "completed", null);

    private bool IsTextTool(AnswerBlock block) => block.Kind == BlockKind.Call && textTools.Contains(block.Name);

    private bool IsSummary(AnswerBlock block) => showsSummary && block.Kind == BlockKind.Thought;

    private string StatusOf(AnswerBlock block) =>
        IsIncomplete && block.Index == Blocks - 1 ? "incomplete" : "completed";

    private string IdOf(AnswerBlock block)
    {
        var prefix = block.Kind switch
        {
            BlockKind.Text or BlockKind.Refusal => "msg",
            BlockKind.Thought => "rs",
            BlockKind.Call => IsTextTool(block) ? "ctc" : "fc",
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        return $"{prefix}_{Scope.Id.Value}_{block.Index}";
    }

    /// <summary>The name of a block's events without <c>.delta</c> and <c>.done</c>.</summary>
    private string EventOf(AnswerBlock block) =>
        block.Kind switch
        {
            BlockKind.Text => "response.output_text",
            BlockKind.Refusal => "response.refusal",
            BlockKind.Thought => IsSummary(block) ? "response.reasoning_summary_text" : "response.reasoning_text",
            BlockKind.Call => IsTextTool(block)
                ? "response.custom_tool_call_input"
                : "response.function_call_arguments",
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    /// <summary>The member that holds a block's text.</summary>
    private string NameOf(AnswerBlock block) =>
        block.Kind switch
        {
            BlockKind.Text or BlockKind.Thought => "text",
            BlockKind.Refusal => "refusal",
            BlockKind.Call => IsTextTool(block) ? "input" : "arguments",
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private void SendNumbered(string type, Action<Utf8JsonWriter> members) =>
        Send(
            type,
            json =>
            {
                json.WriteNumber("sequence_number", _sequence++);
                members(json);
            }
        );

    private void SendResponse(string type, string status, ApiError? error) =>
        SendNumbered(
            type,
            json =>
            {
                json.WritePropertyName("response");
                WriteResponse(json, status, error);
            }
        );

    private void SendItem(string type, AnswerBlock block, string status, bool isWhole) =>
        SendNumbered(
            type,
            json =>
            {
                json.WriteNumber("output_index", block.Index);
                json.WritePropertyName("item");
                WriteItem(json, block, status, isWhole);
            }
        );

    private void SendPart(string what, AnswerBlock block, bool isWhole) =>
        SendNumbered(
            $"response.{(IsSummary(block) ? "reasoning_summary_part" : "content_part")}.{what}",
            json =>
            {
                json.WriteString("item_id", IdOf(block));
                json.WriteNumber("output_index", block.Index);
                json.WriteNumber(IsSummary(block) ? "summary_index" : "content_index", 0);
                json.WritePropertyName("part");
                WritePart(json, block, isWhole);
            }
        );

    private void SendText(AnswerBlock block, string type, string name, string text) =>
        SendNumbered(
            type,
            json =>
            {
                json.WriteString("item_id", IdOf(block));
                json.WriteNumber("output_index", block.Index);
                if (block.Kind != BlockKind.Call)
                {
                    json.WriteNumber(IsSummary(block) ? "summary_index" : "content_index", 0);
                }
                else if (name is "arguments")
                {
                    json.WriteString("name", block.Name);
                }

                json.WriteString(name, text);
                if (block.Kind == BlockKind.Text)
                {
                    json.WriteStartArray("logprobs");
                    json.WriteEndArray();
                }
            }
        );

    private void WriteResponse(Utf8JsonWriter json, string status, ApiError? error)
    {
        json.WriteStartObject();
        json.WriteString("id", $"resp_{Scope.Id.Value}");
        json.WriteString("object", "response");
        json.WriteNumber("created_at", createdAt.ToUnixTimeSeconds());
        json.WriteString("status", status);
        json.WriteBoolean("background", false);
        json.WriteBoolean("store", false);
        json.WriteNull("previous_response_id");
        json.WriteString("truncation", "disabled");
        json.WriteString("service_tier", "default");
        json.WriteString("model", model);
        WriteEnd(json, status, error);
        json.WriteStartArray("output");
        foreach (var block in _output)
        {
            WriteItem(json, block, error is null ? StatusOf(block) : "incomplete", isWhole: true);
        }

        json.WriteEndArray();
        foreach (var (name, value) in repeated)
        {
            json.WritePropertyName(name);
            if (value is null)
            {
                json.WriteNullValue();
            }
            else
            {
                value.WriteTo(json);
            }
        }

        json.WriteEndObject();
    }

    private void WriteEnd(Utf8JsonWriter json, string status, ApiError? error)
    {
        if (error is null)
        {
            json.WriteNull("error");
        }
        else
        {
            json.WriteStartObject("error");
            json.WriteString("code", error.HttpStatus == 429 ? "rate_limit_exceeded" : "server_error");
            json.WriteString("message", ResponsesErrors.WordsOf(error));
            json.WriteEndObject();
        }

        if (status is "incomplete")
        {
            json.WriteStartObject("incomplete_details");
            json.WriteString("reason", FinishReason is "length" ? "max_output_tokens" : "content_filter");
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("incomplete_details");
        }

        if (status is "in_progress")
        {
            json.WriteNull("usage");
            return;
        }

        json.WriteStartObject("usage");
        json.WriteNumber("input_tokens", Usage.Prompt);
        json.WriteStartObject("input_tokens_details");
        json.WriteNumber("cached_tokens", Usage.Cached);
        json.WriteEndObject();
        json.WriteNumber("output_tokens", Usage.Completion);
        json.WriteStartObject("output_tokens_details");
        json.WriteNumber("reasoning_tokens", Usage.Reasoning);
        json.WriteEndObject();
        json.WriteNumber("total_tokens", Usage.Prompt + Usage.Completion);
        json.WriteEndObject();
    }

    private void WriteItem(Utf8JsonWriter json, AnswerBlock block, string status, bool isWhole)
    {
        json.WriteStartObject();
        json.WriteString("id", IdOf(block));
        if (block.Kind == BlockKind.Call)
        {
            json.WriteString("type", IsTextTool(block) ? "custom_tool_call" : "function_call");
            json.WriteString("status", status);
            json.WriteString("call_id", block.CallId);
            json.WriteString("name", block.Name);
            var text = IsTextTool(block) ? InputOf(block) : block.Text.ToString();
            json.WriteString(NameOf(block), isWhole ? text : "");
            json.WriteEndObject();
            return;
        }

        json.WriteString("type", block.Kind == BlockKind.Thought ? "reasoning" : "message");
        json.WriteString("status", status);
        if (block.Kind != BlockKind.Thought)
        {
            json.WriteString("role", "assistant");
        }
        else if (!showsSummary)
        {
            json.WriteStartArray("summary");
            json.WriteEndArray();
        }

        json.WriteStartArray(IsSummary(block) ? "summary" : "content");
        if (isWhole)
        {
            WritePart(json, block, isWhole);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void WritePart(Utf8JsonWriter json, AnswerBlock block, bool isWhole)
    {
        json.WriteStartObject();
        json.WriteString(
            "type",
            block.Kind switch
            {
                BlockKind.Text => "output_text",
                BlockKind.Refusal => "refusal",
                BlockKind.Thought => IsSummary(block) ? "summary_text" : "reasoning_text",
                BlockKind.Call => throw new ArgumentException("A call has no parts.", nameof(block)),
                _ => throw new System.Diagnostics.UnreachableException(),
            }
        );
        json.WriteString(NameOf(block), isWhole ? block.Text.ToString() : "");
        if (block.Kind == BlockKind.Text)
        {
            json.WriteStartArray("annotations");
            json.WriteEndArray();
            json.WriteStartArray("logprobs");
            json.WriteEndArray();
        }

        json.WriteEndObject();
    }

    /// <summary>The text in the arguments; the arguments themselves where the model wrote something else.</summary>
    private static string InputOf(AnswerBlock block)
    {
        using var arguments = block.Arguments();
        return
            arguments?.RootElement.TryGetProperty(TextInput, out var input) == true
            && input.ValueKind == JsonValueKind.String
            ? input.GetString()!
            : block.Text.ToString();
    }
}
