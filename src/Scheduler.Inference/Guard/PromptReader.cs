using System.Collections.Immutable;
using System.Text.Json;
using Scheduler.Edge;
using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Guard;

/// <summary>
/// Reads a body member by member against <see cref="MemberTable"/>, and writes the body for the runtime from what it
/// read, in one pass. A new kind of content is a row of <c>members.txt</c>.
/// </summary>
internal ref partial struct PromptReader
{
    private const string User = "user";
    private const string Twice = "Must occur only once.";

    private readonly MemberTable _table = MemberTable.Shipped;
    private readonly ImmutableArray<PromptPart>.Builder _parts = ImmutableArray.CreateBuilder<PromptPart>();
    private readonly ImmutableArray<PromptPart>.Builder _unread = ImmutableArray.CreateBuilder<PromptPart>();
    private readonly ImmutableArray<int>.Builder _ids = ImmutableArray.CreateBuilder<int>();
    private readonly Faults _faults = new();
    private readonly Faults _unknown = new();
    private readonly Scratch _scratch;
    private Utf8JsonReader _json;
    private string _role = User;
    private int _message;
    private int _part;

    private PromptReader(ReadOnlySpan<byte> body, Scratch scratch)
    {
        _scratch = scratch;
        _json = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = RequestReader.MaxDepth });
    }

    /// <param name="request">A request that <see cref="RequestReader"/> accepted; so its body is one JSON object.</param>
    public static PromptReading Read(InferenceRequest request)
    {
        if (!request.Kind.HasReader())
        {
            // The body was not read, so no judge can see it.
            return new PromptReading
            {
                Request = request,
                Parts = [new PromptPart(User, request.Path, PartKind.Media)],
            };
        }

        var scratch = Scratch.Rent();
        try
        {
            return new PromptReader(request.Body.Span, scratch).ReadAll(request);
        }
        finally
        {
            scratch.Return();
        }
    }

    private PromptReading ReadAll(InferenceRequest request)
    {
        _json.Read();
        ReadObject(_table.BodyOf(request.Kind));
        return new PromptReading
        {
            Request = request,
            Parts = _parts.DrainToImmutable(),
            Unread = _unread.DrainToImmutable(),
            Ids = _ids.DrainToImmutable(),
            Faults = _faults.All,
            Unknown = _unknown.All,
            Body = _scratch.Written(),
        };
    }

    /// <summary>Reads the object at which the reader is, and writes its known members.</summary>
    private void ReadObject(Members members)
    {
        var writer = _scratch.Writer;
        var seen = new bool[members.Count];
        writer.WriteStartObject();
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
        {
            if (members.Find(ref _json) is not { } member)
            {
                ReadUnknown(members);
                continue;
            }

            _json.Read();
            if (seen[member.Index])
            {
                Fault(members, member.Name, Twice, member.Label);
            }
            else if (member.Kind == MemberKind.Own)
            {
                _json.Skip();
            }
            else
            {
                writer.WritePropertyName(member.Encoded);
                ReadValue(members, member);
            }

            seen[member.Index] = true;
        }

        writer.WriteEndObject();
    }

    private void ReadValue(Members members, Member member)
    {
        switch (member.Kind)
        {
            case MemberKind.Name:
                _scratch.Copy(ref _json);
                break;
            case MemberKind.Setting or MemberKind.Text or MemberKind.Url:
                ReadShown(member, LabelOf(members, member));
                break;
            case MemberKind.Role:
                ReadRole(members, member);
                break;
            case MemberKind.Messages:
                ReadMessages(members, member);
                break;
            case MemberKind.Content:
                ReadContent(member);
                break;
            case MemberKind.Prompt:
                ReadPrompt(members, member);
                break;
            case MemberKind.Ids:
                ReadIds(members, member);
                break;
            case MemberKind.Image:
                ReadImage(members, member);
                break;
            case MemberKind.Media when !IsEmpty():
                AddUnseen(LabelOf(members, member), member.Name);
                _json.Skip();
                _scratch.Writer.WriteNullValue();
                break;
            case MemberKind.Unseen when !IsEmpty():
                AddUnseen(LabelOf(members, member), member.Name);
                Fault(members, member.Name, "Cannot be shown to a firewall's judge. Leave it out.", null);
                _scratch.Writer.WriteNullValue();
                break;
            case MemberKind.Media or MemberKind.Unseen:
                _scratch.Copy(ref _json);
                break;
            case MemberKind.Own:
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <summary>The speaker of a member: the message's role, or the name of a member of the body.</summary>
    private readonly string LabelOf(Members members, Member member) =>
        members == _table.Message || members == _table.Part || members == _table.Image ? _role
        : members == _table.Prompt ? User
        : member.Label;

    private void ReadShown(Member member, string label)
    {
        var isWord = _json.TokenType == JsonTokenType.String && member.Words.Count > 0;
        var hasAny = _scratch.CopyAndShow(ref _json, member.Words, out var hasText);
        if (isWord || member.Kind == MemberKind.Setting ? hasText : hasAny)
        {
            _parts.Add(new PromptPart(label, _scratch.Shown()));
        }
    }

    private void ReadRole(Members members, Member member)
    {
        if (_json.TokenType == JsonTokenType.String)
        {
            _role = _json.GetString()!;
            _scratch.Writer.WriteStringValue(_role);
            return;
        }

        Wrong(members, member, "Must be a text.");
    }

    private void ReadMessages(Members members, Member member)
    {
        if (_json.TokenType == JsonTokenType.String)
        {
            // LMDeploy reads a text as one user message.
            ReadShown(member, User);
            return;
        }

        if (_json.TokenType != JsonTokenType.StartArray)
        {
            Wrong(members, member, "Must be a list of messages.");
            return;
        }

        _scratch.Writer.WriteStartArray();
        for (_message = 0; _json.Read() && _json.TokenType != JsonTokenType.EndArray; _message++)
        {
            if (_json.TokenType == JsonTokenType.StartObject)
            {
                ReadMessage();
            }
            else
            {
                Fault(members, $"messages[{_message}]", "Must be an object.", User);
            }
        }

        _scratch.Writer.WriteEndArray();
    }

    private void ReadMessage()
    {
        _role = User;
        var (parts, unread) = (_parts.Count, _unread.Count);
        ReadObject(_table.Message);
        if (_parts.Count == parts)
        {
            // The template prints the speaker of an empty message too.
            _parts.Add(new PromptPart(_role, ""));
        }

        // The role can be the last member of its message.
        SetRole(_parts, parts);
        SetRole(_unread, unread);
        _role = User;
    }

    private readonly void SetRole(ImmutableArray<PromptPart>.Builder parts, int from)
    {
        for (var i = from; i < parts.Count; i++)
        {
            parts[i] = parts[i] with { Role = _role };
        }
    }

    private void ReadContent(Member member)
    {
        _part = 0;
        if (_json.TokenType != JsonTokenType.StartArray)
        {
            ReadPart(member);
            return;
        }

        _scratch.Writer.WriteStartArray();
        for (; _json.Read() && _json.TokenType != JsonTokenType.EndArray; _part++)
        {
            ReadPart(member);
        }

        _scratch.Writer.WriteEndArray();
    }

    private void ReadPart(Member content)
    {
        if (_json.TokenType == JsonTokenType.StartObject)
        {
            ReadObject(_table.Part);
        }
        else
        {
            ReadShown(content, _role);
        }
    }

    private void ReadUnknown(Members members)
    {
        var name = _json.GetString()!;
        _json.Read();
        _unknown.Add(
            PathOf(members) + RequestReader.Shown(name),
            "Is no member that the supported runtimes know, so a firewall in block mode refuses it."
        );
        _scratch.Show(ref _json);
        _unread.Add(new PromptPart(LabelOfUnread(members, name), $"{name}: {_scratch.Shown()}"));
    }

    private readonly string LabelOfUnread(Members members, string name) =>
        members == _table.Message || members == _table.Part || members == _table.Image ? _role : name;

    private void Wrong(Members members, Member member, string what)
    {
        Fault(members, member.Name, what, LabelOf(members, member));
        _scratch.Writer.WriteNullValue();
    }

    /// <summary>Consumes a value that cannot be judged. In audit mode its text is shown all the same.</summary>
    private void Fault(Members members, string name, string what, string? shownAs)
    {
        _faults.Add(PathOf(members) + name, what);
        if (shownAs is null)
        {
            _json.Skip();
            return;
        }

        _scratch.Show(ref _json);
        _unread.Add(new PromptPart(shownAs, _scratch.Shown()));
    }

    private void AddUnseen(string label, string kind) => _parts.Add(new PromptPart(label, kind, PartKind.Media));

    private readonly string PathOf(Members members) =>
        members == _table.Message ? $"messages[{_message}]."
        : members == _table.Part ? $"messages[{_message}].content[{_part}]."
        : members == _table.Image ? $"messages[{_message}].content[{_part}].image_url."
        : members == _table.Prompt ? "prompt."
        : "";

    /// <summary>Whether the value is null, false, or an empty text, list or object.</summary>
    private readonly bool IsEmpty()
    {
        if (_json.TokenType is JsonTokenType.StartArray or JsonTokenType.StartObject)
        {
            var ahead = _json;
            return ahead.Read() && ahead.TokenType is JsonTokenType.EndArray or JsonTokenType.EndObject;
        }

        return _json.TokenType is JsonTokenType.Null or JsonTokenType.False
            || (_json.TokenType == JsonTokenType.String && _json.ValueSpan.IsEmpty);
    }
}
