using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Scheduler.ModelFit;

/// <summary>
/// A cursor over the bytes of a GGUF header. No allocation depends on a size that the file states: strings are slices
/// of the span, arrays are skipped. After the first error every read returns zero and does not advance, so loops over
/// it end at once.
/// </summary>
internal ref struct GgufReader(ReadOnlySpan<byte> bytes)
{
    /// <summary>Longest accepted string in bytes; chat templates are the longest in published files.</summary>
    private const ulong MaxStringBytes = 1 << 22;

    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public int Position { get; private set; }

    public ModelRefusal? Fault { get; private set; }

    /// <param name="field">A name from the file; it may be empty.</param>
    public void Refuse(ModelRefusalKind kind, string field, string message) =>
        Fault ??= new(kind, field.Length > 0 ? field : "header", message);

    public ulong Unsigned(int width)
    {
        var at = Position;
        if (!Skip((ulong)width))
        {
            return 0;
        }

        var cell = _bytes[at..];
        return width switch
        {
            1 => cell[0],
            2 => BinaryPrimitives.ReadUInt16LittleEndian(cell),
            4 => BinaryPrimitives.ReadUInt32LittleEndian(cell),
            _ => BinaryPrimitives.ReadUInt64LittleEndian(cell),
        };
    }

    public ReadOnlySpan<byte> Utf8(string field)
    {
        var length = Unsigned(8);
        if (length > MaxStringBytes)
        {
            Refuse(
                ModelRefusalKind.BadField,
                field,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"A string of {length} bytes; at most {MaxStringBytes} are read."
                )
            );
        }

        var at = Position;
        return Skip(length) ? _bytes.Slice(at, (int)length) : [];
    }

    /// <summary>A string truncated to <paramref name="maxBytes"/>; callers only compare it.</summary>
    public string Text(string field, int maxBytes)
    {
        var utf8 = Utf8(field);
        return Encoding.UTF8.GetString(utf8[..Math.Min(utf8.Length, maxBytes)]);
    }

    /// <summary>Advances the position; records an error when the span ends before.</summary>
    /// <returns>Whether the position advanced.</returns>
    public bool Skip(ulong count)
    {
        if (Fault is not null)
        {
            return false;
        }

        if (count > (ulong)(_bytes.Length - Position))
        {
            var needed = count > long.MaxValue / 2 ? long.MaxValue : Position + (long)count;
            Fault = new(
                ModelRefusalKind.NeedMoreBytes,
                "header",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The header continues after the {_bytes.Length} bytes given; at least {needed} are needed."
                ),
                needed
            );
            return false;
        }

        Position += (int)count;
        return true;
    }
}
