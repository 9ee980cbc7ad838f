using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Scheduler.Edge;
using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Dialects;

/// <summary>
/// Translates one chat completion to the client's dialect: a whole answer, or the chunks of a stream. A whole answer is
/// read as a single chunk. The content becomes a sequence of blocks, of which at most one is open.
/// </summary>
internal abstract class AnswerTranslation(RequestScope scope) : IDisposable
{
    private static readonly JsonWriterOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    private readonly Utf8JsonWriter _json = new(Stream.Null, Readable);
    private AnswerBlock? _open;

    /// <summary>Position of the open call in the runtime's list of calls.</summary>
    private int _openCall = -1;
    private bool _hasBegun;

    /// <summary>Events for the client.</summary>
    public ArrayBufferWriter<byte> Events { get; } = new();

    /// <summary>Whether the client gets events. Otherwise it gets the whole answer at the end.</summary>
    public bool IsStream { get; set; }

    /// <summary>Whether the answer has ended, well or not; later chunks have no effect.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>What the runtime reports in the middle of its stream; null without an error.</summary>
    public string? RuntimeFault { get; private set; }

    protected RequestScope Scope => scope;

    protected int Blocks { get; private set; }

    protected bool HasCalls { get; private set; }

    protected AnswerUsage Usage { get; private set; }

    /// <summary>Why the answer ended, in the words of chat completions.</summary>
    protected string FinishReason { get; private set; } = "stop";

    /// <summary>The stop sequence that ended the answer, where the runtime tells it.</summary>
    protected string? StoppedBy { get; private set; }

    /// <summary>Reads a chunk or a whole answer.</summary>
    /// <param name="json">Its texts are made valid Unicode in place.</param>
    /// <exception cref="HttpIOException">It is no chat completion.</exception>
    public void Take(Span<byte> json)
    {
        if (HasEnded)
        {
            return;
        }

        try
        {
            if (!UnicodeText.TryRepair(json))
            {
                throw Invalid(null);
            }

            var reader = new Utf8JsonReader(json);
            using var chunk = JsonDocument.ParseValue(ref reader);
            Take(chunk.RootElement);
        }
        catch (JsonException e)
        {
            throw Invalid(e);
        }
    }

    /// <summary>Ends the answer.</summary>
    public void Complete()
    {
        if (HasEnded)
        {
            return;
        }

        Begin();
        Close();
        HasEnded = true;
        OnEnd();
    }

    /// <summary>Ends a stream that broke off.</summary>
    public void Break(ApiError error)
    {
        if (!HasEnded)
        {
            HasEnded = true;
            OnBreak(error);
        }
    }

    /// <summary>The whole answer, after its end.</summary>
    public ReadOnlyMemory<byte> Whole()
    {
        var answer = new ArrayBufferWriter<byte>();
        _json.Reset(answer);
        WriteWhole(_json);
        _json.Flush();
        return answer.WrittenMemory;
    }

    public void Dispose() => _json.Dispose();

    protected abstract void OnBegin();

    protected abstract void OnOpen(AnswerBlock block);

    protected abstract void OnText(AnswerBlock block, string text);

    protected abstract void OnClose(AnswerBlock block);

    protected abstract void OnEnd();

    protected abstract void OnBreak(ApiError error);

    protected abstract void WriteWhole(Utf8JsonWriter json);

    /// <summary>Writes an event, unless the client gets the whole answer.</summary>
    /// <param name="members">Writes the members after <c>type</c>.</param>
    protected void Send(string type, Action<Utf8JsonWriter> members)
    {
        if (!IsStream)
        {
            return;
        }

        Events.Write("event: "u8);
        Encoding.UTF8.GetBytes(type.AsSpan(), Events);
        Events.Write("\ndata: "u8);
        _json.Reset(Events);
        _json.WriteStartObject();
        _json.WriteString("type", type);
        members(_json);
        _json.WriteEndObject();
        _json.Flush();
        Events.Write("\n\n"u8);
    }

    private void Take(JsonElement chunk)
    {
        if (chunk.ValueKind != JsonValueKind.Object)
        {
            throw Invalid(null);
        }

        if (chunk.TryGetProperty("error", out var error) && error.ValueKind is not JsonValueKind.Null)
        {
            RuntimeFault = MessageOf(error);
            return;
        }

        if (chunk.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object)
        {
            Usage = AnswerUsage.Of(usage);
        }

        if (ChoiceOf(chunk) is not { } choice)
        {
            return;
        }

        Begin();
        if (
            (choice.TryGetProperty("delta", out var delta) || choice.TryGetProperty("message", out delta))
            && delta.ValueKind == JsonValueKind.Object
        )
        {
            Append(BlockKind.Thought, TextOf(delta, "reasoning_content") ?? TextOf(delta, "reasoning"));
            Append(BlockKind.Text, TextOf(delta, "content"));
            Append(BlockKind.Refusal, TextOf(delta, "refusal"));
            TakeCalls(delta);
        }

        if (TextOf(choice, "finish_reason") is { } reason)
        {
            FinishReason = reason;
            StoppedBy = TextOf(choice, "stop_reason") ?? TextOf(choice, "matched_stop");
        }
    }

    /// <summary>The first choice; null for an event without one. A whole answer has one.</summary>
    private JsonElement? ChoiceOf(JsonElement chunk)
    {
        if (
            chunk.TryGetProperty("choices", out var choices)
            && choices.ValueKind == JsonValueKind.Array
            && choices.GetArrayLength() > 0
            && choices[0] is { ValueKind: JsonValueKind.Object } choice
        )
        {
            return choice;
        }

        return IsStream || _hasBegun ? null : throw Invalid(null);
    }

    private void TakeCalls(JsonElement delta)
    {
        if (!delta.TryGetProperty("tool_calls", out var calls) || calls.ValueKind != JsonValueKind.Array)
        {
            return;
        }

        var position = 0;
        foreach (var call in calls.EnumerateArray().Where(call => call.ValueKind == JsonValueKind.Object))
        {
            var at = call.TryGetProperty("index", out var index) && index.TryGetInt32(out var said) ? said : position;
            position++;
            TakeCall(call, at);
        }
    }

    /// <summary>A call begins with its name; its arguments follow before the next call begins.</summary>
    private void TakeCall(JsonElement call, int at)
    {
        if (!call.TryGetProperty("function", out var function) || function.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        var (id, name) = (TextOf(call, "id"), TextOf(function, "name"));
        if (!IsOpen(at, id))
        {
            if (name is not { Length: > 0 } || at < _openCall)
            {
                throw Invalid(null);
            }

            Open(
                new AnswerBlock(BlockKind.Call, Blocks)
                {
                    Name = name,
                    CallId = id is { Length: > 0 } ? id : $"call_{scope.Id.Value}_{Blocks}",
                }
            );
            (_openCall, HasCalls) = (at, true);
        }

        if (!function.TryGetProperty("arguments", out var arguments))
        {
            return;
        }

        if (arguments.ValueKind == JsonValueKind.Object)
        {
            OnText(_open!, arguments.GetRawText());
        }
        else if (TextOf(function, "arguments") is { Length: > 0 } text)
        {
            OnText(_open!, text);
        }
    }

    /// <summary>Whether a part belongs to the open call. Some engines give every call the same position.</summary>
    private bool IsOpen(int at, string? id) =>
        _open is { Kind: BlockKind.Call } open
        && at == _openCall
        && (id is not { Length: > 0 } || string.Equals(id, open.CallId, StringComparison.Ordinal));

    private void Append(BlockKind kind, string? text)
    {
        if (text is not { Length: > 0 })
        {
            return;
        }

        if (_open?.Kind != kind)
        {
            Open(new AnswerBlock(kind, Blocks));
        }

        OnText(_open, text);
    }

    [MemberNotNull(nameof(_open))]
    private void Open(AnswerBlock block)
    {
        Close();
        _open = block;
        Blocks++;
        OnOpen(block);
    }

    private void Close()
    {
        if (_open is { } block)
        {
            _open = null;
            OnClose(block);
        }
    }

    private void Begin()
    {
        if (!_hasBegun)
        {
            _hasBegun = true;
            OnBegin();
        }
    }

    /// <summary>A text, or the texts of a list of parts.</summary>
    private static string? TextOf(JsonElement from, string name)
    {
        if (!from.TryGetProperty(name, out var value))
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.Array)
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }

        var parts = value.EnumerateArray().Where(part => part.ValueKind == JsonValueKind.Object);
        return string.Concat(parts.Select(part => TextOf(part, "text")));
    }

    private static string MessageOf(JsonElement error) =>
        error.ValueKind == JsonValueKind.String ? error.GetString()!
        : error.ValueKind == JsonValueKind.Object && TextOf(error, "message") is { } message ? message
        : error.GetRawText();

    private static HttpIOException Invalid(Exception? why) =>
        new(HttpRequestError.InvalidResponse, "The runtime's answer is no chat completion.", why);
}
