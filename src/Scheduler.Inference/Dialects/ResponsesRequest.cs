using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Dialects;

/// <summary>
/// Translates a request of OpenAI's Responses API to a chat completion. Nothing is stored here: members that store, or
/// refer to what was stored, are refused, and so are tools that run on the vendor's servers. Members that only steer the
/// vendor's service have no effect.
/// </summary>
internal sealed partial class ResponsesRequest : DialectReader
{
    private const string NothingStored = "Nothing is stored here. Send the whole conversation as input.";

    private static readonly FrozenSet<string> Known = FrozenSet.Create(
        StringComparer.Ordinal,
        "model",
        "input",
        "instructions",
        "background",
        "client_metadata",
        "context_management",
        "conversation",
        "include",
        "max_output_tokens",
        "max_tool_calls",
        "metadata",
        "moderation",
        "parallel_tool_calls",
        "previous_response_id",
        "prompt",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "reasoning",
        "safety_identifier",
        "service_tier",
        "store",
        "stream",
        "stream_options",
        "temperature",
        "text",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
        "truncation",
        "user"
    );

    /// <summary>Members of a request that its response repeats, with what they are when absent.</summary>
    private static readonly (string Name, string Default)[] Repeated =
    [
        ("instructions", "null"),
        ("max_output_tokens", "null"),
        ("max_tool_calls", "null"),
        ("metadata", "{}"),
        ("parallel_tool_calls", "true"),
        ("prompt_cache_key", "null"),
        ("reasoning", """{"effort":null,"summary":null}"""),
        ("safety_identifier", "null"),
        ("temperature", "1.0"),
        ("text", """{"format":{"type":"text"}}"""),
        ("tool_choice", "\"auto\""),
        ("tools", "[]"),
        ("top_p", "1.0"),
        ("user", "null"),
    ];

    /// <summary>Tools whose input is a text.</summary>
    private readonly HashSet<string> _textTools = new(StringComparer.Ordinal);

    /// <summary>Whether the client asks for a summary of the thoughts.</summary>
    private bool _showsSummary;

    private ResponsesRequest() { }

    /// <exception cref="Edge.ApiException">Lists all faults.</exception>
    public static DialectExchange Translate(InferenceRequest native)
    {
        var reader = new ResponsesRequest();
        var body = TreeOf(native);
        reader.ReadBody(body);
        var chat = reader.Finish(body) with { Session = native.Session };
        var repeated = new JsonObject();
        foreach (var (name, absent) in Repeated)
        {
            repeated[name] = body[name] is { } said ? said.DeepClone() : JsonNode.Parse(absent);
        }

        var textTools = reader._textTools.ToFrozenSet(StringComparer.Ordinal);
        return new DialectExchange
        {
            Native = native,
            Chat = chat,
            Answer = (scope, now) =>
                new ResponsesAnswer(scope, native.Model, now, repeated, textTools, reader._showsSummary),
        };
    }

    private void ReadBody(JsonObject body)
    {
        ReadKnown(body, Known);
        RefuseState(body);
        CopyTokens(body, "max_output_tokens", isRequired: false);
        CopyNumber(body, "temperature");
        CopyNumber(body, "top_p");
        Copy(body, "parallel_tool_calls");
        if (Text(body, "instructions", "", isRequired: false) is { Length: > 0 } instructions)
        {
            Add("system", instructions);
        }

        ReadInput(body);
        ReadTools(body);
        if (body["parallel_tool_calls"] is not null && Chat["tools"] is null)
        {
            // Runtimes refuse it without tools.
            Chat.Remove("parallel_tool_calls");
        }

        if (Object(body, "reasoning", "") is { } reasoning)
        {
            ReadEffort(reasoning, "reasoning.");
            _showsSummary = Text(reasoning, "summary", "reasoning.", isRequired: false) is not null;
        }

        if (Object(body, "text", "") is { } text && Object(text, "format", "text.") is { } format)
        {
            ReadFormat(format);
        }
    }

    private void RefuseState(JsonObject body)
    {
        Refuse(body, "store", "Must be false: nothing is stored here. Send the whole conversation as input each time.");
        Refuse(body, "previous_response_id", NothingStored);
        Refuse(body, "conversation", NothingStored);
        Refuse(body, "prompt", "No prompts are stored here. Send the text as instructions or input.");
        Refuse(body, "background", "Must be false: an answer that is not awaited would have to be stored.");
        if (Text(body, "truncation", "", isRequired: false) is not (null or "disabled"))
        {
            Faults.Add("truncation", "Must be disabled: an input that is too long is refused, never cut.");
        }

        if (body["top_logprobs"] is JsonValue top && !(top.TryGetValue<int>(out var count) && count == 0))
        {
            Faults.Add("top_logprobs", "Must be 0. POST /v1/chat/completions has log probabilities.");
        }
    }

    private void ReadFormat(JsonObject format)
    {
        const string path = "text.format.";
        switch (Text(format, "type", path))
        {
            case null or "text":
                break;
            case "json_object":
                Chat["response_format"] = new JsonObject { ["type"] = "json_object" };
                break;
            case "json_schema":
                var schema = new JsonObject
                {
                    ["name"] = Text(format, "name", path),
                    ["schema"] = Object(format, "schema", path, isRequired: true)?.DeepClone(),
                };
                foreach (var name in new[] { "description", "strict" })
                {
                    if (format[name] is { } value)
                    {
                        schema[name] = value.DeepClone();
                    }
                }

                Chat["response_format"] = new JsonObject { ["type"] = "json_schema", ["json_schema"] = schema };
                break;
            default:
                Faults.Add($"{path}type", "Must be text, json_object or json_schema.");
                break;
        }
    }

    private void ReadTools(JsonObject body)
    {
        var tools = new JsonArray();
        foreach (var (tool, path) in Objects(body, "tools", ""))
        {
            var type = Text(tool, "type", path);
            if (type is "function" or "custom")
            {
                if (Text(tool, "name", path) is { } name)
                {
                    tools.Add((JsonNode)(type is "custom" ? TextTool(tool, name, path) : Tool(tool, name, path)));
                }
            }
            else if (type is not null)
            {
                Faults.Add(
                    $"{path}type",
                    $"'{RequestReader.Shown(type)}' is a tool of the vendor; only function and custom tools are served."
                );
            }
        }

        ReadToolChoice(body, tools);
        if (tools.Count > 0)
        {
            Chat["tools"] = tools;
        }
    }

    private JsonObject Tool(JsonObject tool, string name, string path) =>
        Function(
            name,
            Text(tool, "description", path, isRequired: false),
            Object(tool, "parameters", path),
            tool["strict"]
        );

    /// <summary>A tool that takes a text becomes a function with one argument, because runtimes know only functions.</summary>
    private JsonObject TextTool(JsonObject tool, string name, string path)
    {
        _textTools.Add(name);
        var description = Text(tool, "description", path, isRequired: false);
        if (
            Object(tool, "format", path) is { } format
            && Text(format, "definition", $"{path}format.", isRequired: false) is { } grammar
        )
        {
            description = $"{description}\n\nThe input follows this grammar:\n{grammar}";
        }

        return Function(
            name,
            description,
            new JsonObject
            {
                ["type"] = "object",
                ["properties"] = new JsonObject
                {
                    [ResponsesAnswer.TextInput] = new JsonObject { ["type"] = "string" },
                },
                ["required"] = new JsonArray(ResponsesAnswer.TextInput),
            }
        );
    }

    private void ReadToolChoice(JsonObject body, JsonArray tools)
    {
        switch (body["tool_choice"])
        {
            case null:
                return;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                var word = value.GetValue<string>();
                if (word is not ("auto" or "none" or "required"))
                {
                    break;
                }

                Choose(word, tools);
                return;
            case JsonObject choice when Text(choice, "type", "tool_choice.") is "function" or "custom":
                if (Text(choice, "name", "tool_choice.") is { } name)
                {
                    Choose(Function(name), tools);
                }

                return;
            case JsonObject choice when Text(choice, "type", "tool_choice.") is "allowed_tools":
                Allow(choice, tools);
                return;
            default:
                break;
        }

        Faults.Add("tool_choice", "Must be auto, none, required, or name a function, a custom tool or allowed_tools.");
    }

    /// <summary>Leaves out the tools that the choice does not allow.</summary>
    private void Allow(JsonObject choice, JsonArray tools)
    {
        var allowed = new HashSet<string?>(StringComparer.Ordinal);
        foreach (var (tool, path) in Objects(choice, "tools", "tool_choice."))
        {
            allowed.Add(Text(tool, "name", path));
        }

        for (var i = tools.Count - 1; i >= 0; i--)
        {
            if (!allowed.Contains(tools[i]!["function"]!["name"]!.GetValue<string>()))
            {
                tools.RemoveAt(i);
            }
        }

        switch (Text(choice, "mode", "tool_choice."))
        {
            case ("auto" or "required") and var mode:
                Choose(mode, tools);
                break;
            case null:
                break;
            default:
                Faults.Add("tool_choice.mode", "Must be auto or required.");
                break;
        }
    }

    /// <summary>Runtimes refuse a choice without tools.</summary>
    private void Choose(JsonNode choice, JsonArray tools)
    {
        if (tools.Count > 0)
        {
            Chat["tool_choice"] = choice;
        }
    }
}
