using System.Collections.Frozen;
using System.Text;
using System.Text.Json;
using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Guard;

/// <summary>The members of <c>members.txt</c>, by object. Names match exactly: case variants are unknown.</summary>
internal sealed class MemberTable
{
    /// <summary>Rows of these objects belong to the bodies of several paths.</summary>
    private static readonly Dictionary<string, string[]> Shared = new(StringComparer.Ordinal)
    {
        ["any"] = ["chat", "completion", "embedding"],
        ["text"] = ["chat", "completion"],
    };

    private readonly FrozenDictionary<string, Members> _objects;

    private MemberTable(FrozenDictionary<string, Members> objects) => _objects = objects;

    /// <summary>The shipped table.</summary>
    public static MemberTable Shipped { get; } = Load();

    public Members Message
    {
        get => field ??= _objects["message"];
    }

    public Members Part
    {
        get => field ??= _objects["part"];
    }

    public Members Image
    {
        get => field ??= _objects["image"];
    }

    public Members Prompt
    {
        get => field ??= _objects["prompt"];
    }

    public Members BodyOf(RequestKind kind) =>
        kind switch
        {
            RequestKind.Chat => _objects["chat"],
            RequestKind.Completion => _objects["completion"],
            RequestKind.Embedding => _objects["embedding"],
            RequestKind.Rerank
            or RequestKind.Score
            or RequestKind.Tokenize
            or RequestKind.Detokenize
            or RequestKind.Speech
            or RequestKind.Transcription
            or RequestKind.Translation
            or RequestKind.Messages
            or RequestKind.MessageTokens
            or RequestKind.Responses => throw new ArgumentException($"No reader for {kind}.", nameof(kind)),
            _ => throw new System.Diagnostics.UnreachableException(),
        };

    private static MemberTable Load()
    {
        using var stream =
            typeof(MemberTable).Assembly.GetManifestResourceStream("members.txt")
            ?? throw new InvalidOperationException("members.txt is not embedded.");
        using var reader = new StreamReader(stream);
        var objects = new Dictionary<string, Dictionary<string, Member>>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0 && line[0] != '#')
            {
                Add(objects, line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
            }
        }

        return new MemberTable(
            objects.ToFrozenDictionary(
                one => one.Key,
                one => new Members(one.Key, one.Value.ToFrozenDictionary(StringComparer.Ordinal)),
                StringComparer.Ordinal
            )
        );
    }

    private static void Add(Dictionary<string, Dictionary<string, Member>> objects, string[] row)
    {
        var kind = row[2].Split(':');
        foreach (var name in Shared.GetValueOrDefault(row[0]) ?? [row[0]])
        {
            if (!objects.TryGetValue(name, out var members))
            {
                objects[name] = members = new(StringComparer.Ordinal);
            }

            members.Add(
                row[1],
                new Member(
                    row[1],
                    members.Count,
                    Enum.Parse<MemberKind>(kind[0], ignoreCase: true),
                    (kind.Length > 1 ? kind[1].Split(',') : []).ToFrozenSet(StringComparer.Ordinal),
                    row[3..].ToFrozenSet(StringComparer.Ordinal)
                )
            );
        }
    }
}

/// <summary>The members of one kind of object.</summary>
/// <param name="name">The object's name in <c>members.txt</c>.</param>
internal sealed class Members(string name, FrozenDictionary<string, Member> members)
{
    private readonly FrozenDictionary<string, Member>.AlternateLookup<ReadOnlySpan<char>> _lookup =
        members.GetAlternateLookup<ReadOnlySpan<char>>();

    /// <summary>Longest name, characters.</summary>
    private readonly int _longest = members.Keys.Max(key => key.Length);

    public string Name => name;

    public IEnumerable<Member> All => members.Values;

    public int Count => members.Count;

    /// <summary>The member whose name the reader is at; null for an unknown one.</summary>
    public Member? Find(ref Utf8JsonReader json)
    {
        // An escape takes six bytes for a character.
        if (json.ValueSpan.Length > _longest * 6)
        {
            return null;
        }

        Span<char> text = stackalloc char[json.ValueSpan.Length];
        var length = json.ValueIsEscaped ? json.CopyString(text) : Encoding.UTF8.GetChars(json.ValueSpan, text);
        return _lookup.TryGetValue(text[..length], out var member) ? member : null;
    }
}
