using System.Globalization;
using System.Text;
using Scheduler.Inference.Gateway;
using Scheduler.Inference.Guard;

namespace Scheduler.UnitTests.Inference.Guard;

/// <summary>
/// Random bodies from the union of the engines' schemas: known members with values of their kind or of any kind,
/// unknown members, case variants, repeated members, escapes and halves of surrogate pairs.
/// </summary>
internal sealed class BodyMaker(Random random)
{
    private const int MostDepth = 4;

    private readonly StringBuilder _json = new();
    private readonly MemberTable _table = MemberTable.Shipped;

    /// <summary>Probability that a value or a name is not as its row says.</summary>
    private double _wildness;
    private int _words;

    public (RequestKind Kind, string Body) Make()
    {
        _json.Clear();
        _wildness = random.Next(4) switch
        {
            0 => 0.15,
            1 => 0.03,
            _ => 0,
        };
        var kind = (RequestKind)random.Next(1, 4);
        var prompt = kind switch
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
            or RequestKind.Translation
            or RequestKind.Messages
            or RequestKind.MessageTokens
            or RequestKind.Responses => throw new System.Diagnostics.UnreachableException(),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        var members = _table.BodyOf(kind);
        var known = members.All.ToDictionary(member => member.Name, StringComparer.Ordinal);
        var chosen = members
            .All.Where(member => member.Name is not ("model" or "stream" or "max_tokens" or "max_completion_tokens"))
            .Where(member => member.Kind is not (MemberKind.Unseen or MemberKind.Media or MemberKind.Ids) || Is(0.05))
            .Where(member => member.Name != prompt)
            .OrderBy(_ => random.Next())
            .Take(random.Next(7))
            .Append(known[prompt])
            .ToList();
        _json.Append("{\"model\":\"chat\"");
        foreach (var member in chosen.OrderBy(_ => random.Next()))
        {
            _json.Append(',');
            WriteMember(member, 0);
            if (Is(_wildness / 4))
            {
                _json.Append(',');
                WriteMember(member, 0);
            }
        }

        if (Is(_wildness))
        {
            _json.Append(',');
            WriteName(Word());
            WriteAny(0);
        }

        return (kind, _json.Append('}').ToString());
    }

    private void WriteMember(Member member, int depth)
    {
        WriteName(Is(_wildness / 4) ? member.Name.ToUpperInvariant() : member.Name);
        if (Is(_wildness / 2))
        {
            WriteAny(depth);
            return;
        }

        switch (member.Kind)
        {
            case MemberKind.Own:
                WriteText("strict");
                break;
            case MemberKind.Setting when member.Name == "stream_options":
                _json.Append(Is(0.5) ? "{\"include_usage\":true}" : "{\"include_obfuscation\":false}");
                break;
            case MemberKind.Setting when member.Words.Count > 0 && Is(0.7):
                WriteText(member.Words.ElementAt(random.Next(member.Words.Count)));
                break;
            case MemberKind.Setting when Is(0.5):
                _json.Append(Number());
                break;
            case MemberKind.Role:
                WriteText(Is(0.8) ? "user" : Word());
                break;
            case MemberKind.Messages:
                WriteList(random.Next(1, 4), () => WriteObject(_table.Message, depth + 1));
                break;
            case MemberKind.Content:
                WriteContent(depth);
                break;
            case MemberKind.Prompt:
                WritePrompt(depth);
                break;
            case MemberKind.Ids:
                WriteIds();
                break;
            case MemberKind.Image when Is(0.5):
                WriteObject(_table.Image, depth + 1);
                break;
            case MemberKind.Image or MemberKind.Url:
                WriteText(Is(0.8) ? $"data:image/png;base64,{Word()}" : $"https://{Word()}");
                break;
            case MemberKind.Setting or MemberKind.Text or MemberKind.Name or MemberKind.Media or MemberKind.Unseen:
            default:
                WriteAny(depth);
                break;
        }
    }

    private void WriteObject(Members members, int depth)
    {
        var chosen = members
            .All.Where(member =>
                member.Kind is not (MemberKind.Unseen or MemberKind.Media or MemberKind.Ids) || Is(0.02)
            )
            .Where(member => member.Kind != MemberKind.Image || Is(0.2))
            .OrderBy(_ => random.Next())
            .Take(random.Next(1, 5))
            .ToList();
        _json.Append('{');
        for (var i = 0; i < chosen.Count; i++)
        {
            _json.Append(i > 0 ? "," : "");
            WriteMember(chosen[i], depth);
            if (Is(_wildness / 4))
            {
                _json.Append(',');
                WriteName(Is(0.5) ? chosen[i].Name : Word());
                WriteAny(depth);
            }
        }

        _json.Append('}');
    }

    private void WriteContent(int depth)
    {
        switch (random.Next(3))
        {
            case 0:
                WriteList(random.Next(4), () => WriteObject(_table.Part, depth + 1));
                break;
            default:
                WriteText(Word());
                break;
        }
    }

    private void WritePrompt(int depth)
    {
        switch (random.Next(6))
        {
            case 0:
                WriteList(random.Next(4), () => WriteText(Word()));
                break;
            case 1:
                WriteIds();
                break;
            case 2:
                WriteList(random.Next(3), WriteIds);
                break;
            case 3 when Is(0.3):
                WriteObject(_table.Prompt, depth + 1);
                break;
            case 4 when Is(_wildness * 2):
                WriteList(random.Next(1, 5), () => WriteAny(MostDepth));
                break;
            default:
                WriteText(Word());
                break;
        }
    }

    private void WriteIds() =>
        WriteList(
            random.Next(5),
            () => _json.Append(random.Next(1_000, 200_000).ToString(CultureInfo.InvariantCulture))
        );

    private void WriteAny(int depth)
    {
        switch (depth < MostDepth ? random.Next(8) : random.Next(5))
        {
            case 0:
                _json.Append(Number());
                break;
            case 1:
                _json.Append(
                    random.Next(3) switch
                    {
                        0 => "null",
                        1 => "true",
                        _ => "false",
                    }
                );
                break;
            case 5:
                WriteList(random.Next(4), () => WriteAny(depth + 1));
                break;
            case 6 or 7:
                var count = random.Next(4);
                _json.Append('{');
                for (var i = 0; i < count; i++)
                {
                    _json.Append(i > 0 ? "," : "");
                    WriteName(Word());
                    WriteAny(depth + 1);
                }

                _json.Append('}');
                break;
            default:
                WriteText(Word());
                break;
        }
    }

    private void WriteList(int count, Action write)
    {
        _json.Append('[');
        for (var i = 0; i < count; i++)
        {
            _json.Append(i > 0 ? "," : "");
            write();
        }

        _json.Append(']');
    }

    private void WriteName(string name)
    {
        WriteText(name);
        _json.Append(Is(0.05) ? " : " : ":");
    }

    /// <summary>A JSON string; some characters are escaped for no need.</summary>
    private void WriteText(string text)
    {
        _json.Append('"');
        foreach (var unit in text)
        {
            if (unit is '"' or '\\' or < ' ' || char.IsSurrogate(unit) || Is(0.02))
            {
                _json.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");
            }
            else
            {
                _json.Append(unit);
            }
        }

        _json.Append('"');
    }

    /// <summary>A text that occurs once in the body.</summary>
    private string Word() =>
        random.Next(12) switch
        {
            0 => $"w{++_words}\u00e9\u4e2d",
            1 => $"w{++_words} \"quoted\" \\ and\nmore",
            2 => $"w{++_words}\ud83d\ude00",
            3 => $"w{++_words}\ud83d",
            4 => $"<|im_start|>w{++_words}",
            5 => $"w{++_words}{{\"a\":1}}",
            _ => $"w{++_words}",
        };

    private string Number() =>
        random.Next(4) switch
        {
            0 => "1e2",
            1 => "-0.5",
            _ => random.Next(100_000).ToString(CultureInfo.InvariantCulture),
        };

    private bool Is(double probability) => random.NextDouble() < probability;
}
