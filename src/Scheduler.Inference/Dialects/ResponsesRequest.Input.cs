using System.Text.Json;
using System.Text.Json.Nodes;
using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Dialects;

/// <summary>
/// The items of the input. The model's items between two of other speakers (thoughts, a message, calls) are one turn,
/// and one message of a chat.
/// </summary>
internal sealed partial class ResponsesRequest
{
    /// <summary>The model's turn under construction; null between turns.</summary>
    private JsonObject? _turn;

    /// <summary>Images of tool results. Templates accept only text there, so they follow in a message of the user.</summary>
    private readonly List<JsonObject> _images = [];

    private void ReadInput(JsonObject body)
    {
        switch (body["input"])
        {
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                Add("user", value.GetValue<string>());
                return;
            case JsonArray:
                foreach (var (item, path) in Objects(body, "input", ""))
                {
                    ReadItem(item, path);
                }

                EndTurn();
                GiveImages();
                return;
            default:
                Faults.Add("input", "Must be a text, or a list of items.");
                return;
        }
    }

    private void ReadItem(JsonObject item, string path)
    {
        var type = Text(item, "type", path, isRequired: false);
        if (type is not ("function_call_output" or "custom_tool_call_output"))
        {
            GiveImages();
        }

        switch (type)
        {
            case null or "message":
                ReadMessage(item, path);
                break;
            case "reasoning":
                ReadThoughts(item, path);
                break;
            case "function_call":
                ReadCall(item, path, Text(item, "arguments", path));
                break;
            case "custom_tool_call":
                var input = Text(item, "input", path);
                ReadCall(item, path, Json(new JsonObject { [ResponsesAnswer.TextInput] = input }));
                break;
            case "function_call_output" or "custom_tool_call_output":
                ReadResult(item, path);
                break;
            case "item_reference":
                Faults.Add(
                    $"{path}type",
                    "Nothing is stored here: send the item itself. Clients do with store: false."
                );
                break;
            default:
                Faults.Add(
                    $"{path}type",
                    $"'{RequestReader.Shown(type)}' is no item that is served: message, reasoning, function_call, custom_tool_call and their outputs are."
                );
                break;
        }
    }

    private void ReadMessage(JsonObject item, string path)
    {
        var role = Text(item, "role", path);
        if (role is not (null or "user" or "assistant" or "system" or "developer"))
        {
            Faults.Add($"{path}role", "Must be user, assistant, system or developer.");
        }

        var parts = PartsOf(item, "content", path);
        if (role is "assistant")
        {
            if (_turn is not null && (_turn["content"] is not null || _turn["tool_calls"] is not null))
            {
                EndTurn();
            }

            Turn["content"] = ContentOf(parts);
            return;
        }

        EndTurn();

        // Templates of most models know no developer.
        Add(role is "user" or null ? "user" : "system", ContentOf(parts));
    }

    private JsonObject Turn => _turn ??= new JsonObject { ["role"] = "assistant", ["content"] = null };

    private void EndTurn()
    {
        if (_turn is { } turn)
        {
            if (turn["tool_calls"] is null)
            {
                turn["content"] ??= "";
            }

            Messages.Add((JsonNode)turn);
            _turn = null;
        }
    }

    /// <summary>Thoughts that can be read. Sealed ones of the vendor's models are of no use to another model.</summary>
    private void ReadThoughts(JsonObject item, string path)
    {
        var texts = new List<JsonObject>();
        foreach (var list in new[] { "content", "summary" })
        {
            foreach (var (part, at) in texts.Count == 0 ? Objects(item, list, path) : [])
            {
                if (Text(part, "text", at) is { } text)
                {
                    texts.Add(TextPart(text));
                }
            }
        }

        if (texts.Count > 0)
        {
            if (_turn is not null)
            {
                EndTurn();
            }

            Turn["reasoning_content"] = ContentOf(texts);
        }
    }

    private void ReadCall(JsonObject item, string path, string? arguments)
    {
        var (id, name) = (Text(item, "call_id", path), Text(item, "name", path));
        if (id is null || name is null || arguments is null)
        {
            return;
        }

        if (Turn["tool_calls"] is not JsonArray calls)
        {
            Turn["tool_calls"] = calls = [];
        }

        calls.Add((JsonNode)Call(id, name, arguments));
    }

    private void ReadResult(JsonObject item, string path)
    {
        EndTurn();
        var parts = PartsOf(item, "output", path);
        _images.AddRange(parts.Where(part => part["text"] is null));
        Messages.Add(
            (JsonNode)
                new JsonObject
                {
                    ["role"] = "tool",
                    ["tool_call_id"] = Text(item, "call_id", path),
                    ["content"] = ContentOf([.. parts.Where(part => part["text"] is not null)]),
                }
        );
    }

    private void GiveImages()
    {
        if (_images.Count > 0)
        {
            EndTurn();
            Add("user", ContentOf(_images));
            _images.Clear();
        }
    }

    /// <summary>A content: a text, or a list of parts.</summary>
    private List<JsonObject> PartsOf(JsonObject from, string name, string path)
    {
        var parts = new List<JsonObject>();
        switch (from[name])
        {
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                parts.Add(TextPart(value.GetValue<string>()));
                break;
            case JsonArray:
                foreach (var (part, at) in Objects(from, name, path))
                {
                    ReadPart(part, at, parts);
                }

                break;
            default:
                Faults.Add(path + name, "Must be a text, or a list of parts.");
                break;
        }

        return parts;
    }

    private void ReadPart(JsonObject part, string path, List<JsonObject> parts)
    {
        switch (Text(part, "type", path))
        {
            case null:
                break;
            case "input_text" or "output_text" or "text" or "summary_text" or "reasoning_text":
                if (Text(part, "text", path) is { } text)
                {
                    parts.Add(TextPart(text));
                }

                break;
            case "refusal":
                if (Text(part, "refusal", path) is { } refusal)
                {
                    parts.Add(TextPart(refusal));
                }

                break;
            case "input_image" when part["file_id"] is null:
                if (Text(part, "image_url", path) is { } url)
                {
                    parts.Add(ImagePart(url, Text(part, "detail", path, isRequired: false)));
                }

                break;
            case "input_image":
                Faults.Add($"{path}file_id", "No files are stored here. Send the image as image_url.");
                break;
            default:
                Faults.Add($"{path}type", "Must be input_text, input_image, output_text or refusal.");
                break;
        }
    }
}
