using System.Text.Json;
using Scheduler.Edge;

namespace Scheduler.Inference.Gateway;

/// <summary>Extracts the members the gateway needs from a body, in one pass and without a tree.</summary>
internal ref struct RequestReader
{
    /// <summary>Runtimes refuse deeper bodies too.</summary>
    public const int MaxDepth = 64;

    private const int LongestName = 64;

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
    private bool _isStream;
    private Range? _streamOptionsAt;
    private Range? _usageFlagAt;
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
            RequestKind.Chat => "messages",
            RequestKind.Completion => "prompt",
            RequestKind.Embedding => "input",
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
    public static InferenceRequest Read(RequestKind kind, ReadOnlyMemory<byte> body)
    {
        if (!UnicodeText.IsValid(body.Span))
        {
            throw Invalid("body", "Must be UTF-8, without escapes that are half of a surrogate pair.");
        }

        var reader = new RequestReader(kind, body);
        try
        {
            return reader.Read();
        }
        catch (JsonException e)
        {
            throw Invalid("body", $"Is no JSON that can be read: {e.Message}");
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
            IsStream = _isStream && _kind.IsGeneration(),
            StreamOptionsAt = _streamOptionsAt,
            UsageFlagAt = _usageFlagAt,
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
            _faults.Add(Shown(name), "Is there twice.");
        }

        _json.Read();
        var valueAt = (int)_json.TokenStartIndex;
        switch (name)
        {
            case "model":
                // A name of any length is well formed; one that nothing can have is not found.
                _model = Text("model", int.MaxValue);
                _modelAt = valueAt..(int)_json.BytesConsumed;
                break;
            case "firewall":
                _firewall = _json.TokenType == JsonTokenType.Null ? null : Text("firewall");
                _firewallAt = WithComma(start, (int)_json.BytesConsumed);
                break;
            case "stream":
                _isStream = Flag("stream");
                break;
            case "stream_options":
                ReadStreamOptions();
                _streamOptionsAt = valueAt..(int)_json.BytesConsumed;
                break;
            case "max_tokens" when _kind.IsGeneration():
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
            _json.Skip();
            return;
        }

        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            var isUsage = _json.ValueTextEquals("include_usage"u8);
            _json.Read();
            var valueAt = (int)_json.TokenStartIndex;
            if (isUsage)
            {
                _wantsUsage = _json.TokenType == JsonTokenType.True;
            }

            _json.Skip();
            if (isUsage)
            {
                _usageFlagAt = valueAt..(int)_json.BytesConsumed;
            }
        }
    }

    private string? Text(string name, int longest = LongestName)
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
        _faults.Add(name, $"Must be a text of 1 to {longest} characters.");
        return "";
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

        // Runtimes of both kinds read -1 as no limit.
        if (
            _json.TokenType == JsonTokenType.Number
            && _json.TryGetInt64(out var number)
            && number is >= -1 and <= int.MaxValue
        )
        {
            return number < 0 ? null : number;
        }

        _json.Skip();
        _faults.Add(name, $"Must be a whole number, 0 to {int.MaxValue} tokens.");
        return null;
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

    private static string Shown(string name) =>
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
