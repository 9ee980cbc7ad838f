namespace Scheduler.Fuzz;

/// <summary>Where the values of a JSON text are. Tolerates text that is no JSON.</summary>
internal sealed class JsonTokens
{
    private const int MostDepth = 256;
    private const int MostValues = 512;

    private readonly (int Start, int End)[] _values = new (int, int)[MostValues];
    private readonly int[] _open = new int[MostDepth];

    public int Count { get; private set; }

    public (int Start, int End) Value(int index) => _values[index];

    public void Read(ReadOnlySpan<byte> json)
    {
        Count = 0;
        var depth = 0;
        for (var at = 0; at < json.Length && Count < MostValues; )
        {
            var start = at;
            switch (json[at++])
            {
                case (byte)'"':
                    while (at < json.Length && json[at] != '"')
                    {
                        at += json[at] == '\\' ? 2 : 1;
                    }

                    at = Math.Min(at + 1, json.Length);
                    _values[Count++] = (start, at);
                    break;
                case (byte)'{' or (byte)'[':
                    if (depth < MostDepth)
                    {
                        _open[depth++] = start;
                    }

                    break;
                case (byte)'}' or (byte)']':
                    if (depth > 0)
                    {
                        _values[Count++] = (_open[--depth], at);
                    }

                    break;
                case (byte)',' or (byte)':' or (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t':
                    break;
                default:
                    while (
                        at < json.Length
                        && (
                            char.IsAsciiLetterOrDigit((char)json[at]) || json[at] is (byte)'.' or (byte)'-' or (byte)'+'
                        )
                    )
                    {
                        at++;
                    }

                    _values[Count++] = (start, at);
                    break;
            }
        }
    }

    /// <summary>The member or element that holds a value, with the comma after it.</summary>
    public (int Start, int End) Member(int start, int end, ReadOnlySpan<byte> json)
    {
        for (var i = 0; i < Count; i++)
        {
            var (first, last) = _values[i];
            if (last < start && json[last..start].Trim(" \n\r\t"u8) is [(byte)':'])
            {
                start = first;
                break;
            }
        }

        if (start > 0 && json[start - 1] == ',')
        {
            return (start - 1, end);
        }

        return (start, end < json.Length && json[end] == ',' ? end + 1 : end);
    }
}
