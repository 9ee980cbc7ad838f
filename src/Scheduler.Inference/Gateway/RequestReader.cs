using System.Text.Json;
using Scheduler.Edge;

namespace Scheduler.Inference.Gateway;

/// <summary>Extracts the members the gateway needs from a body, in one pass and without a tree.</summary>
internal ref struct RequestReader
{
    /// <summary>Runtimes refuse deeper bodies too.</summary>
    public const int MaxDepth = 64;

    /// <summary>Longest serving name and slug, characters, with one to spare.</summary>
    public const int LongestName = 64;

    /// <summary>A byte order mark, which a reader of JSON may ignore (RFC 8259, section 8.1).</summary>
    private static ReadOnlySpan<byte> OrderMark => "\uFEFF"u8;

    /// <summary>Members that put more into the prompt than the texts it contains.</summary>
    private static readonly string[] Extras =
    [
        "tools",
        "functions",
        "documents",
        "chat_template",
        "chat_template_kwargs",
        "add_generation_prompt",
        "continue_final_message",
        "add_special_tokens",
        "truncate_prompt_tokens",
        "mm_processor_kwargs",
        "reasoning_effort",
        "response_format",
        "suffix",
    ];

    private readonly RequestKind _kind;
    private readonly ReadOnlyMemory<byte> _body;
    private readonly HashSet<string> _seen = new(StringComparer.Ordinal);
    private readonly Faults _faults = new();
    private Utf8JsonReader _json;
    private string? _model;
    private Range _modelAt;
    private string? _firewall;
    private Range? _firewallAt;
    private string? _cacheKey;
    private string? _user;
    private bool _isStream;
    private Range? _streamOptionsAt;
    private Range? _usageAt;
    private bool _wantsUsage;
    private long? _maxTokens;
    private long? _maxCompletionTokens;
    private bool _saysOutput;
    private Range? _promptAt;
    private bool _hasExtras;
    private int _lastEnd;

    private RequestReader(RequestKind kind, ReadOnlyMemory<byte> body)
    {
        _kind = kind;
        _body = body;
        _json = new Utf8JsonReader(body.Span, new JsonReaderOptions { MaxDepth = MaxDepth });
    }

    /// <summary>Name of the member that holds the prompt; null for a kind whose prompt is not read.</summary>
    private readonly string? PromptName =>
        _kind switch
        {
            RequestKind.Chat or RequestKind.Messages or RequestKind.MessageTokens => "messages",
            RequestKind.Completion => "prompt",
            RequestKind.Embedding or RequestKind.Responses => "input",
            RequestKind.Rerank
            or RequestKind.Score
            or RequestKind.Tokenize
            or RequestKind.Detokenize
            or RequestKind.Speech
            or RequestKind.Transcription
            or RequestKind.Translation => null,
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    /// <exception cref="ApiException">
    /// The body is not a JSON object in valid Unicode, or a needed member is missing, duplicate or of the wrong type.
    /// Lists all validation errors.
    /// </exception>
    /// <param name="body">Its texts are made valid Unicode in place.</param>
    public static InferenceRequest Read(RequestKind kind, Memory<byte> body)
    {
        if (body.Span.StartsWith(OrderMark))
        {
            body = body[OrderMark.Length..];
        }

        if (!UnicodeText.TryRepair(body.Span))
        {
            throw Invalid("body", "Must be UTF-8.");
        }

        var reader = new RequestReader(kind, body);
        try
        {
            return reader.Read();
        }
        catch (JsonException e)
        {
            throw Invalid("body", $"Must be readable JSON: {e.Message}");
        }
    }

    private InferenceRequest Read()
    {
        if (!_json.Read() || _json.TokenType != JsonTokenType.StartObject)
        {
            throw Invalid("body", "Must be a JSON object.");
        }

        _lastEnd = (int)_json.BytesConsumed;
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            ReadMember((int)_json.TokenStartIndex);
            _lastEnd = (int)_json.BytesConsumed;
        }

        // A runtime might read content after the object, or ignore it; refuse it.
        if (_json.Read())
        {
            throw Invalid("body", "Must be one JSON object and nothing after it.");
        }

        return Finish();
    }

    private readonly InferenceRequest Finish()
    {
        if (_model is null)
        {
            _faults.Add("model", "Is required: the serving name of an instance or balancer.");
        }

        if (_promptAt is null && PromptName is { } prompt)
        {
            _faults.Add(prompt, "Is required.");
        }

        if (!_faults.None)
        {
            throw new ApiException(ApiError.Invalid(_faults.All));
        }

        return new InferenceRequest
        {
            Kind = _kind,
            Body = _body,
            Model = _model!,
            ModelAt = _modelAt,
            Firewall = _firewall,
            FirewallAt = _firewallAt,
            Session = _cacheKey ?? _user,
            IsStream = _isStream && _kind.IsGeneration(),
            StreamOptionsAt = _streamOptionsAt,
            UsageAt = _usageAt,
            WantsUsage = _wantsUsage,
            MaxOutput = _maxCompletionTokens ?? _maxTokens,
            LeavesOutputOpen = _saysOutput && (_maxCompletionTokens ?? _maxTokens) is null,
            PromptAt = _promptAt ?? default,
            HasExtras = _hasExtras,
        };
    }

    private void ReadMember(int start)
    {
        var name = _json.GetString()!;
        if (!_seen.Add(name))
        {
            _faults.Add(Shown(name), "Must occur only once.");
        }

        _json.Read();
        var valueAt = (int)_json.TokenStartIndex;
        switch (name)
        {
            case "model":
                _model = Text("model", int.MaxValue);
                _modelAt = valueAt..(int)_json.BytesConsumed;
                break;
            case "firewall":
                _firewall = _json.TokenType == JsonTokenType.Null ? null : Text("firewall", LongestName);
                _firewallAt = WithComma(start, (int)_json.BytesConsumed);
                break;
            case "prompt_cache_key":
                _cacheKey = TextIfAny();
                break;
            case "user":
                _user = TextIfAny();
                break;
            case "stream":
                _isStream = Flag("stream");
                break;
            case "stream_options" when _kind is RequestKind.Chat or RequestKind.Completion or RequestKind.Embedding:
                ReadStreamOptions();
                _streamOptionsAt = valueAt..(int)_json.BytesConsumed;
                break;
            case "max_tokens" when _kind is RequestKind.Chat or RequestKind.Completion:
                _maxTokens = Count("max_tokens");
                break;
            case "max_completion_tokens" when _kind == RequestKind.Chat:
                _maxCompletionTokens = Count("max_completion_tokens");
                break;
            default:
                _json.Skip();
                if (string.Equals(name, PromptName, StringComparison.Ordinal))
                {
                    _promptAt = valueAt..(int)_json.BytesConsumed;
                }
                else if (Extras.Contains(name, StringComparer.Ordinal))
                {
                    _hasExtras = true;
                }

                break;
        }
    }

    private void ReadStreamOptions()
    {
        if (_json.TokenType != JsonTokenType.StartObject)
        {
            if (_json.TokenType != JsonTokenType.Null)
            {
                _faults.Add("stream_options", "Must be an object.");
            }

            _json.Skip();
            return;
        }

        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            var isUsage = _json.ValueTextEquals("include_usage"u8);
            _json.Read();
            if (isUsage && _usageAt is not null)
            {
                _faults.Add("stream_options.include_usage", "Must occur only once.");
            }

            var valueAt = (int)_json.TokenStartIndex;
            var isTrue = _json.TokenType == JsonTokenType.True;
            _json.Skip();
            if (isUsage)
            {
                (_wantsUsage, _usageAt) = (isTrue, valueAt..(int)_json.BytesConsumed);
            }
        }
    }

    private string? Text(string name, int longest)
    {
        if (
            _json.TokenType == JsonTokenType.String
            && _json.GetString() is { Length: > 0 } text
            && text.Length <= longest
        )
        {
            return text;
        }

        _json.Skip();
        _faults.Add(
            name,
            longest == int.MaxValue
                ? "Must be a text that is not empty."
                : $"Must be a text of 1 to {longest} characters."
        );
        return "";
    }

    /// <summary>The value of a member that only the runtime validates; null when it is not a text.</summary>
    private string? TextIfAny()
    {
        var text = _json.TokenType == JsonTokenType.String ? _json.GetString() : null;
        _json.Skip();
        return string.IsNullOrEmpty(text) ? null : text;
    }

    private bool Flag(string name)
    {
        if (_json.TokenType is JsonTokenType.True or JsonTokenType.False or JsonTokenType.Null)
        {
            return _json.TokenType == JsonTokenType.True;
        }

        _json.Skip();
        _faults.Add(name, "Must be true or false.");
        return false;
    }

    private long? Count(string name)
    {
        _saysOutput = true;
        if (_json.TokenType == JsonTokenType.Null)
        {
            return null;
        }

        // vLLM and llama-server read -1 as no limit.
        if (Whole() is { } number and >= -1 and <= int.MaxValue)
        {
            return number < 0 ? null : number;
        }

        _json.Skip();
        _faults.Add(name, $"Must be a whole number, 0 to {int.MaxValue} tokens.");
        return null;
    }

    /// <summary>The value of a whole number in any notation, such as <c>16.0</c> or <c>1e2</c>; null for others.</summary>
    private readonly long? Whole()
    {
        if (_json.TokenType != JsonTokenType.Number)
        {
            return null;
        }

        if (_json.TryGetInt64(out var number))
        {
            return number;
        }

        return _json.TryGetDouble(out var value) && Math.Abs(value) <= uint.MaxValue && Math.Floor(value) == value
            ? (long)value
            : null;
    }

    /// <summary>A member with the comma before it, or after it for the first member.</summary>
    private readonly Range WithComma(int start, int end)
    {
        var body = _body.Span;
        var before = body[_lastEnd..start].IndexOf((byte)',');
        if (before >= 0)
        {
            return (_lastEnd + before)..end;
        }

        var after = body[end..].IndexOfAnyExcept(" \t\r\n"u8);
        return after >= 0 && body[end + after] == (byte)',' ? start..(end + after + 1) : start..end;
    }

    /// <summary>A name as an answer shows it.</summary>
    public static string Shown(string name) =>
        name.Length == 0 ? "(empty name)"
        : name.Length <= LongestName ? name
        : name[..LongestName];

    private static ApiException Invalid(string field, string what)
    {
        var faults = new Faults();
        faults.Add(field, what);
        return new ApiException(ApiError.Invalid(faults.All));
    }
}
