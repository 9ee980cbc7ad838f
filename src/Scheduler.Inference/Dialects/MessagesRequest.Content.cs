using System.Text.Json;
using System.Text.Json.Nodes;

namespace Scheduler.Inference.Dialects;

/// <summary>The messages and their blocks.</summary>
internal sealed partial class MessagesRequest
{
    private void ReadSystem(JsonObject from, string name, string path)
    {
        switch (from[name])
        {
            case null:
                return;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                Add("system", value.GetValue<string>());
                return;
            case JsonArray:
                var texts = new List<JsonObject>();
                foreach (var (block, at) in Objects(from, name, path))
                {
                    if (TextOf(block, at) is { } text && !text.StartsWith(BillingText, StringComparison.Ordinal))
                    {
                        texts.Add(TextPart(text));
                    }
                }

                if (texts.Count > 0)
                {
                    Add("system", ContentOf(texts));
                }

                return;
            default:
                Faults.Add(path + name, "Must be a text, or a list of text blocks.");
                return;
        }
    }

    /// <summary>The text of a block where only text is possible.</summary>
    private string? TextOf(JsonObject block, string path)
    {
        if (Text(block, "type", path) is not (null or "text"))
        {
            Faults.Add($"{path}type", "Must be text.");
            return null;
        }

        return Text(block, "text", path);
    }

    private void ReadMessage(JsonObject message, string path)
    {
        var role = Text(message, "role", path);
        if (role is "system")
        {
            ReadSystem(message, "content", path);
            return;
        }

        if (role is not (null or "user" or "assistant"))
        {
            Faults.Add($"{path}role", "Must be user or assistant.");
        }

        switch (message["content"])
        {
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                Add(role ?? "user", value.GetValue<string>());
                break;
            case JsonArray when role is "assistant":
                ReadAssistant(message, path);
                break;
            case JsonArray:
                ReadUser(message, path);
                break;
            case null:
                Faults.Add($"{path}content", "Is required: a text, or a list of blocks.");
                break;
            default:
                Faults.Add($"{path}content", "Must be a text, or a list of blocks.");
                break;
        }
    }

    /// <summary>
    /// Results of tools become messages of their own. Templates accept only text in them, so their images follow in the
    /// user's message.
    /// </summary>
    private void ReadUser(JsonObject message, string path)
    {
        var parts = new List<JsonObject>();
        var hasResults = false;
        foreach (var (block, at) in Objects(message, "content", path))
        {
            if (block["type"] is JsonValue type && type.GetValueKind() == JsonValueKind.String)
            {
                if (type.GetValue<string>() is "tool_result")
                {
                    hasResults = true;
                    ReadResult(block, at, parts);
                    continue;
                }
            }

            ReadBlock(block, at, parts);
        }

        if (parts.Count > 0 || !hasResults)
        {
            Add("user", ContentOf(parts));
        }
    }

    private void ReadResult(JsonObject block, string path, List<JsonObject> images)
    {
        var content = new List<JsonObject>();
        switch (block["content"])
        {
            case null:
                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                content.Add(TextPart(value.GetValue<string>()));
                break;
            case JsonArray:
                foreach (var (part, at) in Objects(block, "content", path))
                {
                    ReadBlock(part, at, content);
                }

                break;
            default:
                Faults.Add($"{path}content", "Must be a text, or a list of blocks.");
                break;
        }

        images.AddRange(content.Where(part => part["text"] is null));
        Messages.Add(
            (JsonNode)
                new JsonObject
                {
                    ["role"] = "tool",
                    ["tool_call_id"] = Text(block, "tool_use_id", path),
                    ["content"] = ContentOf([.. content.Where(part => part["text"] is not null)]),
                }
        );
    }

    /// <summary>A block of a user's message or of a tool's result.</summary>
    private void ReadBlock(JsonObject block, string path, List<JsonObject> parts)
    {
        switch (Text(block, "type", path))
        {
            case null:
                break;
            case "text":
                AddText(Text(block, "text", path), parts);
                break;
            case "image":
                if (ImageOf(block, path) is { } image)
                {
                    parts.Add(ImagePart(image));
                }

                break;
            case "document":
                ReadDocument(block, path, parts);
                break;
            case "search_result":
                AddText(Text(block, "title", path), parts);
                AddText(Text(block, "source", path), parts);
                ReadBlocks(block, path, parts);
                break;
            default:
                Faults.Add($"{path}type", "Must be text, image, document, search_result or tool_result.");
                break;
        }
    }

    private void ReadBlocks(JsonObject from, string path, List<JsonObject> parts)
    {
        foreach (var (part, at) in Objects(from, "content", path))
        {
            ReadBlock(part, at, parts);
        }
    }

    private static void AddText(string? text, List<JsonObject> parts)
    {
        if (text is not null)
        {
            parts.Add(TextPart(text));
        }
    }

    private string? ImageOf(JsonObject block, string path)
    {
        if (Object(block, "source", path, isRequired: true) is not { } source)
        {
            return null;
        }

        path = $"{path}source.";
        switch (Text(source, "type", path))
        {
            case "base64":
                var (type, data) = (Text(source, "media_type", path), Text(source, "data", path));
                if (type is not (null or "image/jpeg" or "image/png" or "image/gif" or "image/webp"))
                {
                    Faults.Add($"{path}media_type", "Must be image/jpeg, image/png, image/gif or image/webp.");
                }

                return $"data:{type};base64,{data}";
            case "url":
                return Text(source, "url", path);
            case null:
                return null;
            default:
                Faults.Add($"{path}type", "Must be base64 or url; files are not stored here.");
                return null;
        }
    }

    private void ReadDocument(JsonObject block, string path, List<JsonObject> parts)
    {
        AddText(Text(block, "title", path, isRequired: false), parts);
        AddText(Text(block, "context", path, isRequired: false), parts);
        if (Object(block, "source", path, isRequired: true) is not { } source)
        {
            return;
        }

        path = $"{path}source.";
        switch (Text(source, "type", path))
        {
            case "text":
                AddText(Text(source, "data", path), parts);
                break;
            case "content" when source["content"] is JsonValue value && value.GetValueKind() == JsonValueKind.String:
                AddText(value.GetValue<string>(), parts);
                break;
            case "content":
                ReadBlocks(source, path, parts);
                break;
            case null:
                break;
            default:
                Faults.Add($"{path}type", "Must be text or content: the runtimes read no PDF files.");
                break;
        }
    }

    /// <summary>A turn of the model. Its thinking goes back under the name that templates of reasoning models read.</summary>
    private void ReadAssistant(JsonObject message, string path)
    {
        var (texts, thoughts, calls) = (new List<JsonObject>(), new List<JsonObject>(), new JsonArray());
        foreach (var (block, at) in Objects(message, "content", path))
        {
            switch (Text(block, "type", at))
            {
                case null or "redacted_thinking":
                    break;
                case "text":
                    AddText(Text(block, "text", at), texts);
                    break;
                case "thinking":
                    AddText(Text(block, "thinking", at), thoughts);
                    break;
                case "tool_use":
                    if (Text(block, "id", at) is { } id && Text(block, "name", at) is { } name)
                    {
                        calls.Add((JsonNode)Call(id, name, Json(Object(block, "input", at) ?? [])));
                    }

                    break;
                default:
                    Faults.Add($"{at}type", "Must be text, thinking, redacted_thinking or tool_use.");
                    break;
            }
        }

        var turn = new JsonObject { ["role"] = "assistant" };
        turn["content"] = texts.Count == 0 && calls.Count > 0 ? null : ContentOf(texts);
        if (thoughts.Count > 0)
        {
            turn["reasoning_content"] = ContentOf(thoughts);
        }

        if (calls.Count > 0)
        {
            turn["tool_calls"] = calls;
        }

        Messages.Add((JsonNode)turn);
    }

    /// <summary>A last message of the assistant is the beginning of the answer, which the model continues.</summary>
    private void ContinueLast()
    {
        if (
            Messages is [.., JsonObject last]
            && last["role"]!.GetValue<string>() is "assistant"
            && last["tool_calls"] is null
        )
        {
            Chat["add_generation_prompt"] = false;
            Chat["continue_final_message"] = true;
        }
    }
}
