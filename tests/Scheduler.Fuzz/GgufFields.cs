using System.Buffers.Binary;

namespace Scheduler.Fuzz;

/// <summary>Where the numbers of a GGUF header are: counts, lengths, types and values. Stops at the first damage.</summary>
internal sealed class GgufFields
{
    private const int MostFields = 512;

    private readonly (int At, int Width)[] _fields = new (int, int)[MostFields];
    private int _at;

    public int Count { get; private set; }

    public (int At, int Width) Field(int index) => _fields[index];

    public void Read(ReadOnlySpan<byte> bytes)
    {
        Count = 0;
        _at = 4;
        if (Number(bytes, 4) is null || Number(bytes, 8) is not { } tensors || Number(bytes, 8) is not { } pairs)
        {
            return;
        }

        for (ulong i = 0; i < pairs && Count < MostFields; i++)
        {
            if (!Text(bytes) || Number(bytes, 4) is not { } type || !Value(bytes, type))
            {
                return;
            }
        }

        for (ulong i = 0; i < tensors && Count < MostFields; i++)
        {
            if (!Text(bytes) || Number(bytes, 4) is not { } dimensions)
            {
                return;
            }

            for (ulong d = 0; d < dimensions && d < 8; d++)
            {
                Number(bytes, 8);
            }

            if (Number(bytes, 4) is null || Number(bytes, 8) is null)
            {
                return;
            }
        }
    }

    private bool Value(ReadOnlySpan<byte> bytes, ulong type)
    {
        switch (type)
        {
            case 8:
                return Text(bytes);
            case 9:
                if (Number(bytes, 4) is not { } element || Number(bytes, 8) is not { } length)
                {
                    return false;
                }

                for (ulong i = 0; i < length && Count < MostFields; i++)
                {
                    if (!Value(bytes, element))
                    {
                        return false;
                    }
                }

                return true;
            default:
                return Number(
                    bytes,
                    type is 0 or 1 or 7 ? 1
                        : type is 2 or 3 ? 2
                        : type is 10 or 11 or 12 ? 8
                        : 4
                )
                    is not null;
        }
    }

    private bool Text(ReadOnlySpan<byte> bytes)
    {
        if (Number(bytes, 8) is not { } length || length > (ulong)(bytes.Length - _at))
        {
            return false;
        }

        _at += (int)length;
        return true;
    }

    private ulong? Number(ReadOnlySpan<byte> bytes, int width)
    {
        if (_at + width > bytes.Length || Count == MostFields)
        {
            return null;
        }

        Span<byte> cell = stackalloc byte[8];
        cell.Clear();
        bytes.Slice(_at, width).CopyTo(cell);
        _fields[Count++] = (_at, width);
        _at += width;
        return BinaryPrimitives.ReadUInt64LittleEndian(cell);
    }
}
