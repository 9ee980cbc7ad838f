namespace Scheduler.Domain.Placement;

/// <summary>
/// The rows of each value of one column. A value uses a bit plane or a list of row numbers, whichever is smaller. So
/// the index takes at most four bytes per row, for any number of values.
/// </summary>
internal sealed class ValueIndex
{
    private readonly ulong[]?[] _planes;
    private readonly int[] _starts;
    private readonly int[] _rows;

    private ValueIndex(ulong[]?[] planes, int[] starts, int[] rows) =>
        (_planes, _starts, _rows) = (planes, starts, rows);

    public static ValueIndex Build(ReadOnlySpan<ushort> codes, int values, int words)
    {
        var counts = new int[values];
        foreach (var code in codes)
        {
            counts[code]++;
        }

        // A row number takes half a word, so a plane is smaller from two rows per word.
        var planes = new ulong[]?[values];
        var starts = new int[values + 1];
        for (var value = 0; value < values; value++)
        {
            var dense = counts[value] >= 2 * words;
            planes[value] = dense ? new ulong[words] : null;
            starts[value + 1] = starts[value] + (dense ? 0 : counts[value]);
        }

        var rows = new int[starts[values]];
        var next = starts.AsSpan(0, values).ToArray();
        for (var row = 0; row < codes.Length; row++)
        {
            var code = codes[row];
            if (planes[code] is { } plane)
            {
                BitPlane.Set(plane, row);
            }
            else
            {
                rows[next[code]++] = row;
            }
        }

        return new ValueIndex(planes, starts, rows);
    }

    public void Mark(int code, Span<ulong> plane)
    {
        if (_planes[code] is { } dense)
        {
            BitPlane.Or(plane, dense);
            return;
        }

        foreach (var row in RowsOf(code))
        {
            BitPlane.Set(plane, row);
        }
    }

    public void Unmark(int code, Span<ulong> plane)
    {
        if (_planes[code] is { } dense)
        {
            BitPlane.AndNot(plane, dense);
            return;
        }

        foreach (var row in RowsOf(code))
        {
            BitPlane.Clear(plane, row);
        }
    }

    private ReadOnlySpan<int> RowsOf(int code) => _rows.AsSpan(_starts[code], _starts[code + 1] - _starts[code]);
}
