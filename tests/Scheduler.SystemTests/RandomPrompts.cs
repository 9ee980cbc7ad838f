using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Scheduler.SystemTests;

/// <summary>
/// Requests of every shape, most of them near the limit of a context; a seed always gives the same requests.
/// </summary>
internal sealed class RandomPrompts(int seed, string model, int context, bool isVllm)
{
    /// <summary>Output that vLLM assumes for a completion without max_tokens.</summary>
    private const int VllmCompletionOutput = 16;

    /// <summary>The first id of the test model that is a plain byte.</summary>
    private const int FirstId = 3;
    private const int LastId = 258;

    /// <summary>Texts that tokenizers and JSON treat in special ways.</summary>
    private static readonly string[] Odd =
    [
        "é",
        "e\u0301",
        "漢字",
        "😀",
        "👩‍👩‍👧‍👦",
        "\uFDFA",
        "\u0000",
        "\t",
        "\r\n",
        "\"\\\"",
        "  ",
        "<s>",
        "</s>",
        "<|im_start|>",
        "<|im_end|>",
        "▁",
        "\uFEFF",
        "ﬃ",
    ];

    private readonly Random _random = new(seed);

    /// <summary>Tokens that prompt and output share.</summary>
    public int Context { get; } = context;

    /// <summary>Makes embedding requests instead of chats and completions.</summary>
    public bool Embeds { get; init; }

    private bool Chance(int percent) => _random.Next(100) < percent;

    /// <summary>A request without a limit of output.</summary>
    public RandomRequest Next()
    {
        var size =
            Chance(15) ? _random.Next(40)
            : Chance(70) ? Context - _random.Next(Context / 4)
            : _random.Next(Context * 3);
        if (Embeds)
        {
            return Plain("v1/embeddings", "input", size);
        }

        return Chance(50) ? Chat(size) : Plain("v1/completions", "prompt", size);
    }

    /// <summary>
    /// The request with its prompt extended to within two tokens of the limit, if it is close below it.
    /// </summary>
    /// <param name="tokens">Tokens of the request.</param>
    public RandomRequest Filled(RandomRequest request, int tokens)
    {
        var missing = Context - request.Need - tokens + _random.Next(-2, 3);
        return missing > 0 && Chance(50) ? request with { Body = Longer(request.Body, missing) } : request;
    }

    /// <summary>The request with a limit of output, usually close to the remaining context.</summary>
    /// <param name="tokens">Tokens of its longest prompt.</param>
    public RandomRequest WithOutput(RandomRequest request, int tokens)
    {
        if (Embeds || Chance(35))
        {
            return request;
        }

        var isChat = request.Body.ContainsKey("messages");
        var room = Context - tokens + _random.Next(-2, 3);
        long? asked =
            room > 0 && Chance(70) ? room
            : Chance(30) ? null
            : Chance(30) && !isVllm ? 0
            : Chance(30) && !isVllm ? -1
            : Chance(50) ? _random.Next(1, Context * 2)
            : int.MaxValue;
        var body = request.Body.DeepClone().AsObject();
        body[isChat && Chance(50) ? "max_completion_tokens" : "max_tokens"] = asked;
        return request with { Body = body, Need = asked is > 0 ? (int)asked : 1 };
    }

    private RandomRequest Chat(int size)
    {
        var messages = new JsonArray();
        if (Chance(50))
        {
            messages.Add(Message("system", Text(_random.Next(60))));
        }

        for (var turn = _random.Next(4); turn > 0; turn--)
        {
            messages.Add(Message("user", Text(_random.Next(Math.Max(1, size / 8)))));
            messages.Add(Message("assistant", Chance(10) ? null : Text(_random.Next(Math.Max(1, size / 8)))));
        }

        messages.Add(Message("user", Text(Math.Max(0, size - messages.ToJsonString().Length))));
        var body = Body(("messages", messages));
        if (Chance(25))
        {
            body["tools"] = new JsonArray([.. Enumerable.Range(0, _random.Next(1, 3)).Select(Tool)]);
        }

        if (Chance(10))
        {
            body["add_generation_prompt"] = false;
        }

        return new RandomRequest("v1/chat/completions", body, Need: 1, IsEscaped: Chance(50));
    }

    private RandomRequest Plain(string path, string name, int size)
    {
        var need =
            Embeds ? 0
            : isVllm ? VllmCompletionOutput
            : 1;
        JsonNode[] parts = Chance(30)
            ? [.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => Prompt(_random.Next(Math.Max(1, size))))]
            : [Prompt(size)];
        JsonNode whole =
            parts.Length > 1 || Chance(20) ? new JsonArray([.. parts.Select(p => p.DeepClone())]) : parts[0];
        return new RandomRequest(path, Body((name, whole.DeepClone())), need, IsEscaped: Chance(50))
        {
            Alone = [.. parts.Select(part => Body((name, part.DeepClone())))],
        };
    }

    private JsonNode Prompt(int size)
    {
        if (Chance(75))
        {
            return Text(size);
        }

        var ids = Enumerable
            .Range(0, Math.Max(1, size))
            .Select(_ => (JsonNode)_random.Next(FirstId, LastId + 1))
            .ToList();
        if (!isVllm && Chance(50))
        {
            // A list of texts and tokens is one prompt for llama-server and an error for vLLM.
            ids.Insert(_random.Next(ids.Count), Text(_random.Next(20)));
        }

        return new JsonArray([.. ids]);
    }

    private JsonObject Message(string role, string? text)
    {
        JsonNode? content =
            text is not null && Chance(15)
                ? new JsonArray(Part(text[..(text.Length / 2)]), Part(text[(text.Length / 2)..]))
                : text;
        return new JsonObject { ["role"] = role, ["content"] = content };

        static JsonObject Part(string text) => new() { ["type"] = "text", ["text"] = text };
    }

    private JsonNode Tool(int number) =>
        new JsonObject
        {
            ["type"] = "function",
            ["function"] = new JsonObject
            {
                ["name"] = $"tool_{number}",
                ["description"] = Text(_random.Next(80)),
                ["parameters"] = new JsonObject
                {
                    ["type"] = "object",
                    ["properties"] = new JsonObject { ["a"] = new JsonObject { ["type"] = "string" } },
                },
            },
        };

    /// <summary>A text of approximately this number of bytes.</summary>
    private string Text(int bytes)
    {
        var text = new StringBuilder();
        var isOdd = Chance(50);
        for (var left = bytes; left > 0; )
        {
            var piece =
                isOdd && Chance(30)
                    ? Odd[_random.Next(Odd.Length)]
                    : new string((char)_random.Next(' ', '~' + 1), Math.Min(left, _random.Next(1, 40)));
            text.Append(piece);
            left -= Encoding.UTF8.GetByteCount(piece);
        }

        // Both halves of a message's text must be valid texts.
        return text.Length > 1 && char.IsLowSurrogate(text[text.Length / 2]) ? $"{text} {text[0]}" : $"{text}";
    }

    private JsonObject Body((string Name, JsonNode? Value) prompt)
    {
        var body = new JsonObject { ["model"] = model, [prompt.Name] = prompt.Value };
        if (!Embeds)
        {
            // Generation stops at the first letter: the requested output must fit, and the test need not wait for it.
            body["stop"] = new JsonArray([.. "abcdefghijklmnopqrstuvwxyz ".Select(letter => (JsonNode)$"{letter}")]);
        }

        return body;
    }

    /// <summary>The body with a prompt longer by a number of tokens, if the prompt ends with a text.</summary>
    private static JsonObject Longer(JsonObject body, int tokens)
    {
        var longer = body.DeepClone().AsObject();
        var more = new string('x', tokens);
        if (longer["messages"] is JsonArray messages)
        {
            var last = messages[^1]!.AsObject();
            last["content"] = last["content"] is JsonValue text ? (string)text! + more : last["content"]!.DeepClone();
        }
        else
        {
            var name = longer.ContainsKey("prompt") ? "prompt" : "input";
            if (longer[name] is JsonValue text)
            {
                longer[name] = (string)text! + more;
            }
        }

        return longer;
    }
}

/// <param name="Need">
/// Tokens of output that must fit: the requested number, or the runtime's minimum without one.
/// </param>
/// <param name="IsEscaped">Whether all characters outside ASCII are written as <c>\uXXXX</c>.</param>
internal sealed record RandomRequest(string Path, JsonObject Body, int Need, bool IsEscaped = true)
{
    private static readonly JsonSerializerOptions Escaped = new();

    private static readonly JsonSerializerOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The same request for each of its prompts separately; empty with a single prompt.</summary>
    public IReadOnlyList<JsonObject> Alone { get; init; } = [];

    public StringContent Content() => ContentOf(Body);

    /// <summary>Another body with the escaping of this request.</summary>
    public StringContent ContentOf(JsonObject body) =>
        new(body.ToJsonString(IsEscaped ? Escaped : Plain), Encoding.UTF8, "application/json");
}
