using System.Collections.Frozen;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Scheduler.Edge;
using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Dialects;

/// <summary>Reads a body in a dialect and collects its faults. A member with the value null counts as absent.</summary>
internal abstract class DialectReader
{
    /// <summary>Between texts that become one.</summary>
    private const string Between = "\n\n";

    /// <summary>Settings of engines that are in no dialect; they pass unchanged.</summary>
    private static readonly FrozenSet<string> EngineSettings = FrozenSet.Create(
        StringComparer.Ordinal,
        "top_k",
        "min_p",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "repetition_penalty",
        "chat_template_kwargs"
    );

    private static readonly JsonSerializerOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        MaxDepth = RequestReader.MaxDepth,
    };

    protected Faults Faults { get; } = new();

    /// <summary>The chat completion under construction.</summary>
    protected JsonObject Chat { get; } = [];

    protected JsonArray Messages { get; } = [];

    /// <exception cref="ApiException">A member is twice in one object.</exception>
    protected static JsonObject TreeOf(InferenceRequest request)
    {
        try
        {
            return request.Tree();
        }
        catch (JsonException e)
        {
            throw new ApiException(ApiError.Invalid([new("body", $"Must be readable JSON: {e.Message}")]));
        }
    }

    /// <summary>Ends the translation.</summary>
    /// <exception cref="ApiException">There are faults.</exception>
    protected InferenceRequest Finish(JsonObject body)
    {
        JoinSystem();
        Chat["model"] = body["model"]!.DeepClone();
        Chat["messages"] = Messages;
        Copy(body, "firewall");
        if (body["stream"] is JsonValue stream && stream.GetValueKind() == JsonValueKind.True)
        {
            Chat["stream"] = true;
            Chat["stream_options"] = new JsonObject { ["include_usage"] = true };
        }

        return Faults.None
            ? RequestReader.Read(RequestKind.Chat, JsonSerializer.SerializeToUtf8Bytes(Chat, Readable))
            : throw new ApiException(ApiError.Invalid(Faults.All));
    }

    /// <summary>Joins the system messages at the beginning: templates of many models accept one.</summary>
    private void JoinSystem()
    {
        while (
            Messages is [JsonObject first, JsonObject second, ..]
            && first["role"]!.GetValue<string>() is "system"
            && second["role"]!.GetValue<string>() is "system"
            && first["content"]?.GetValueKind() == JsonValueKind.String
            && second["content"]?.GetValueKind() == JsonValueKind.String
        )
        {
            first["content"] = first["content"]!.GetValue<string>() + Between + second["content"]!.GetValue<string>();
            Messages.RemoveAt(1);
        }
    }

    /// <summary>Refuses members of the body that neither the dialect nor an engine has.</summary>
    protected void ReadKnown(JsonObject body, FrozenSet<string> known)
    {
        foreach (var (name, value) in body)
        {
            if (EngineSettings.Contains(name) && value is not null)
            {
                Chat[name] ??= value.DeepClone();
            }
            else if (!known.Contains(name) && name is not "firewall")
            {
                Faults.Add(RequestReader.Shown(name), "Is no member of this request.");
            }
        }
    }

    /// <summary>Refuses a member that has a value other than false, with the reason.</summary>
    protected void Refuse(JsonObject body, string name, string why)
    {
        if (body[name] is { } value && value.GetValueKind() is not JsonValueKind.False)
        {
            Faults.Add(name, why);
        }
    }

    /// <summary>Copies a member as it is, under the same or another name.</summary>
    protected void Copy(JsonObject body, string name, string? asName = null)
    {
        if (body[name] is { } value)
        {
            Chat[asName ?? name] = value.DeepClone();
        }
    }

    protected void CopyNumber(JsonObject body, string name)
    {
        if (body[name] is { } value && value.GetValueKind() != JsonValueKind.Number)
        {
            Faults.Add(name, "Must be a number.");
        }

        Copy(body, name);
    }

    /// <summary>A whole number of tokens, in any notation.</summary>
    protected void CopyTokens(JsonObject body, string name, bool isRequired)
    {
        if (body[name] is not { } value)
        {
            if (isRequired)
            {
                Faults.Add(name, "Is required: a whole number of tokens from 1.");
            }

            return;
        }

        if (
            value.GetValueKind() == JsonValueKind.Number
            && value.Deserialize<double>() is >= 1 and <= int.MaxValue and var number
            && Math.Floor(number) == number
        )
        {
            Chat["max_tokens"] = (long)number;
            return;
        }

        Faults.Add(name, $"Must be a whole number, 1 to {int.MaxValue} tokens.");
    }

    /// <returns>The text; null for an absent member, and for a fault.</returns>
    protected string? Text(JsonObject from, string name, string path, bool isRequired = true)
    {
        if (from[name] is { } value)
        {
            if (value.GetValueKind() == JsonValueKind.String)
            {
                return value.GetValue<string>();
            }

            Faults.Add(path + name, "Must be a text.");
        }
        else if (isRequired)
        {
            Faults.Add(path + name, "Is required: a text.");
        }

        return null;
    }

    protected JsonObject? Object(JsonObject from, string name, string path, bool isRequired = false)
    {
        if (from[name] is JsonObject found)
        {
            return found;
        }

        if (from[name] is not null || isRequired)
        {
            Faults.Add(path + name, isRequired ? "Is required: an object." : "Must be an object.");
        }

        return null;
    }

    /// <returns>The objects of a list, each with its path; none for an absent list, and for a fault.</returns>
    protected IEnumerable<(JsonObject Item, string Path)> Objects(JsonObject from, string name, string path)
    {
        if (from[name] is not JsonArray list)
        {
            if (from[name] is not null)
            {
                Faults.Add(path + name, "Must be a list.");
            }

            yield break;
        }

        for (var i = 0; i < list.Count; i++)
        {
            if (list[i] is JsonObject item)
            {
                yield return (item, $"{path}{name}[{i}].");
            }
            else
            {
                Faults.Add($"{path}{name}[{i}]", "Must be an object.");
            }
        }
    }

    protected void Add(string role, JsonNode content) =>
        Messages.Add((JsonNode)new JsonObject { ["role"] = role, ["content"] = content });

    protected static JsonObject TextPart(string text) => new() { ["type"] = "text", ["text"] = text };

    protected static JsonObject ImagePart(string url, string? detail = null)
    {
        var image = new JsonObject { ["url"] = url };
        if (detail is not null)
        {
            image["detail"] = detail;
        }

        return new JsonObject { ["type"] = "image_url", ["image_url"] = image };
    }

    /// <summary>
    /// Parts as a content: one text where all are texts, because templates of many models accept nothing else.
    /// </summary>
    protected static JsonNode ContentOf(List<JsonObject> parts)
    {
        return parts.TrueForAll(part => part["text"] is not null)
            ? string.Join(Between, parts.Select(part => part["text"]!.GetValue<string>()))
            : new JsonArray([.. parts]);
    }

    protected static JsonObject Call(string id, string name, string arguments) =>
        new()
        {
            ["id"] = id,
            ["type"] = "function",
            ["function"] = new JsonObject { ["name"] = name, ["arguments"] = arguments },
        };

    protected static string Json(JsonNode node) => node.ToJsonString(Readable);

    /// <summary>A tool, or with its name alone the choice of it.</summary>
    protected static JsonObject Function(
        string name,
        string? description = null,
        JsonNode? parameters = null,
        JsonNode? strict = null
    )
    {
        var function = new JsonObject { ["name"] = name };
        if (description is not null)
        {
            function["description"] = description;
        }

        if (parameters is not null)
        {
            function["parameters"] = parameters.DeepClone();
        }

        if (strict?.GetValueKind() == JsonValueKind.True)
        {
            function["strict"] = true;
        }

        return new JsonObject { ["type"] = "function", ["function"] = function };
    }

    /// <summary>Effort of a reasoning model. Engines know three levels, so higher ones count as the highest.</summary>
    protected void ReadEffort(JsonObject from, string path)
    {
        switch (Text(from, "effort", path, isRequired: false))
        {
            case null:
                break;
            case "none":
                SetThinking(false);
                break;
            case "minimal" or "low":
                Chat["reasoning_effort"] = "low";
                break;
            case "medium":
                Chat["reasoning_effort"] = "medium";
                break;
            case "high" or "xhigh" or "max":
                Chat["reasoning_effort"] = "high";
                break;
            default:
                Faults.Add($"{path}effort", "Must be none, minimal, low, medium, high, xhigh or max.");
                break;
        }
    }

    /// <summary>The switch of templates of models that can answer with and without thinking.</summary>
    protected void SetThinking(bool isOn)
    {
        Chat["chat_template_kwargs"] ??= new JsonObject();
        if (Chat["chat_template_kwargs"] is JsonObject arguments)
        {
            arguments["enable_thinking"] ??= isOn;
        }
    }
}
