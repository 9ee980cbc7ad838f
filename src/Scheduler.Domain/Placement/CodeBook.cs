namespace Scheduler.Domain.Placement;

/// <summary>Numbers distinct values in the order they are first seen, up to a limit.</summary>
/// <param name="highestCode">The last number that may be given out.</param>
internal sealed class CodeBook<T>(int highestCode)
    where T : notnull
{
    private readonly Dictionary<T, int> _codes = [];
    private T? _latest;
    private int _latestCode = -1;

    /// <summary>The value's number, new or known; false when the book is full.</summary>
    public bool TryCode(T value, out int code)
    {
        // Price lists come grouped: the value is usually the one just asked for.
        if (_latestCode >= 0 && EqualityComparer<T>.Default.Equals(_latest, value))
        {
            code = _latestCode;
            return true;
        }

        if (!_codes.TryGetValue(value, out code))
        {
            if (_codes.Count > highestCode)
            {
                return false;
            }

            code = _codes.Count;
            _codes.Add(value, code);
        }

        (_latest, _latestCode) = (value, code);
        return true;
    }

    /// <summary>The number of a value that comes from a sealed snapshot, which had room for it; so has this book.</summary>
    public int Code(T value) => TryCode(value, out var code) ? code : throw new InvalidOperationException("Book full.");

    /// <summary>All values in order, and for each number given out its place in that order.</summary>
    public T[] Sorted(IComparer<T> comparer, out int[] placeOfCode)
    {
        var values = new T[_codes.Count];
        _codes.Keys.CopyTo(values, 0);
        Array.Sort(values, comparer);
        placeOfCode = new int[values.Length];
        for (var place = 0; place < values.Length; place++)
        {
            placeOfCode[_codes[values[place]]] = place;
        }

        return values;
    }
}
