namespace Scheduler.Domain.Placement;

/// <summary>Assigns consecutive codes to distinct values in order of first use, up to a limit.</summary>
internal sealed class ValueCodes<T>(int highestCode)
    where T : notnull
{
    private readonly Dictionary<T, int> _codes = [];
    private T? _latest;
    private int _latestCode = -1;

    /// <summary>Gets or assigns the code of a value; false when all codes are assigned.</summary>
    public bool TryCode(T value, out int code)
    {
        // Price lists come grouped: the value is usually the same as in the previous call.
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

    /// <summary>For values of a sealed snapshot only: it had a code for each, so this dictionary has too.</summary>
    public int Code(T value) =>
        TryCode(value, out var code) ? code : throw new InvalidOperationException("The dictionary has no free code.");

    /// <summary>All values sorted; <paramref name="placeOfCode"/> maps each code to its index in that order.</summary>
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
