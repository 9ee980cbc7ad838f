using System.Buffers;
using System.Collections.Frozen;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Scheduler.Inference.Guard;

/// <summary>The buffers of one reading; each thread keeps one.</summary>
internal sealed class Scratch
{
    /// <summary>Larger buffers are not kept, bytes or characters.</summary>
    private const int MostKept = 256 * 1024;

    [ThreadStatic]
    private static Scratch? _free;

    private readonly StringBuilder _shown = new();
    private readonly ArrayBufferWriter<byte> _bytes = new(4096);

    private Scratch() =>
        Writer = new Utf8JsonWriter(
            _bytes,
            new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true }
        );

    /// <summary>Writes the body for the runtime.</summary>
    public Utf8JsonWriter Writer { get; }

    public static Scratch Rent()
    {
        var scratch = _free ?? new Scratch();
        _free = null;
        return scratch;
    }

    public void Return()
    {
        if (_bytes.Capacity > MostKept || _shown.Capacity > MostKept)
        {
            return;
        }

        _bytes.ResetWrittenCount();
        Writer.Reset(_bytes);
        _shown.Clear();
        _free = this;
    }

    /// <summary>A copy of the body; it outlives the request's answer (see <see cref="Edge.BodyBytes"/>).</summary>
    public byte[] Written()
    {
        Writer.Flush();
        return _bytes.WrittenSpan.ToArray();
    }

    /// <summary>The text of the last value.</summary>
    public string Shown() => _shown.ToString();

    /// <summary>Writes the value at which the reader is.</summary>
    public void Copy(ref Utf8JsonReader json) => Walk(ref json, null, isWritten: true, out _);

    /// <summary>Reads the value at which the reader is as text, and writes it.</summary>
    /// <param name="words">Texts and names that do not count as text.</param>
    /// <param name="hasText">Whether a text other than these words is in it.</param>
    /// <returns>Whether anything is in it.</returns>
    public bool CopyAndShow(ref Utf8JsonReader json, FrozenSet<string> words, out bool hasText) =>
        Walk(ref json, words, isWritten: true, out hasText);

    /// <summary>Reads the value at which the reader is as text, without writing it.</summary>
    public void Show(ref Utf8JsonReader json) => Walk(ref json, null, isWritten: false, out _);

    /// <summary>
    /// Reads all tokens of a value. The text of a list or an object looks like JSON, but its texts are not quoted: a
    /// judge reads the words as the model does.
    /// </summary>
    private bool Walk(ref Utf8JsonReader json, FrozenSet<string>? words, bool isWritten, out bool hasText)
    {
        _shown.Clear();
        (hasText, var hasAny, var open, var isFirst) = (false, false, 0, true);
        while (true)
        {
            switch (json.TokenType)
            {
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    Separate(isFirst);
                    _shown.Append(json.TokenType == JsonTokenType.StartObject ? '{' : '[');
                    (isFirst, open) = (true, open + 1);
                    break;
                case JsonTokenType.EndObject or JsonTokenType.EndArray:
                    _shown.Append(json.TokenType == JsonTokenType.EndObject ? '}' : ']');
                    (isFirst, open) = (false, open - 1);
                    break;
                case JsonTokenType.PropertyName:
                    Separate(isFirst);
                    var name = json.GetString()!;
                    _shown.Append(name).Append(": ");
                    hasText |= !IsNumber(name) && words?.Contains(name) != true;
                    (isFirst, hasAny) = (true, true);
                    break;
                case JsonTokenType.String:
                    Separate(isFirst);
                    var text = json.GetString()!;
                    _shown.Append(text);
                    hasText |= text.Length > 0 && words?.Contains(text) != true;
                    hasAny |= text.Length > 0;
                    isFirst = false;
                    break;
                case JsonTokenType.Null:
                    Separate(isFirst);
                    _shown.Append("null");
                    (isFirst, hasAny) = (false, hasAny || open > 0);
                    break;
                case JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False:
                    Separate(isFirst);
                    _shown.Append(Encoding.UTF8.GetString(json.ValueSpan));
                    (isFirst, hasAny) = (false, true);
                    break;
                case JsonTokenType.None or JsonTokenType.Comment:
                default:
                    throw new System.Diagnostics.UnreachableException();
            }

            if (isWritten)
            {
                Write(ref json);
            }

            if (open == 0)
            {
                return hasAny;
            }

            json.Read();
        }
    }

    private void Separate(bool isFirst)
    {
        if (!isFirst)
        {
            _shown.Append(", ");
        }
    }

    private void Write(ref Utf8JsonReader json)
    {
        switch (json.TokenType)
        {
            case JsonTokenType.StartObject:
                Writer.WriteStartObject();
                break;
            case JsonTokenType.StartArray:
                Writer.WriteStartArray();
                break;
            case JsonTokenType.EndObject:
                Writer.WriteEndObject();
                break;
            case JsonTokenType.EndArray:
                Writer.WriteEndArray();
                break;
            case JsonTokenType.PropertyName when json.ValueIsEscaped:
                Writer.WritePropertyName(json.GetString()!);
                break;
            case JsonTokenType.PropertyName:
                Writer.WritePropertyName(json.ValueSpan);
                break;
            case JsonTokenType.String when json.ValueIsEscaped:
                Writer.WriteStringValue(json.GetString()!);
                break;
            case JsonTokenType.String:
                Writer.WriteStringValue(json.ValueSpan);
                break;
            case JsonTokenType.Number or JsonTokenType.True or JsonTokenType.False or JsonTokenType.Null:
                Writer.WriteRawValue(json.ValueSpan, skipInputValidation: true);
                break;
            case JsonTokenType.None or JsonTokenType.Comment:
            default:
                throw new System.Diagnostics.UnreachableException();
        }
    }

    /// <summary>Whether a name is a whole number, such as the token ids of <c>logit_bias</c>.</summary>
    private static bool IsNumber(string name) => name.Length > 0 && !name.AsSpan().ContainsAnyExceptInRange('0', '9');
}
