namespace Scheduler.ModelFit;

/// <summary>Metadata of a GGUF header. Keeps numbers, strings and array lengths.</summary>
internal sealed class GgufMetadata
{
    /// <summary>Maximum number of keys; published files have fewer than a hundred.</summary>
    private const ulong MaxPairs = 4096;

    /// <summary>Maximum length of an array; vocabularies and merge lists reach half a million elements.</summary>
    private const ulong MaxArrayElements = 1 << 22;

    /// <summary>Maximum number of array elements kept; enough for per-layer numbers.</summary>
    private const int MaxKeptElements = 1024;

    private const int MaxKeyBytes = 256;
    private const int MaxDepth = 4;
    private const uint StringType = 8;
    private const uint ArrayType = 9;

    private readonly Dictionary<string, long[]> _numbers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _texts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _lengths = new(StringComparer.Ordinal);

    public void Read(ref GgufReader reader, ulong pairs)
    {
        if (pairs > MaxPairs)
        {
            reader.Refuse(
                ModelRefusalKind.BadField,
                "metadata_kv_count",
                $"At most {MaxPairs} metadata pairs are read."
            );
        }

        for (ulong i = 0; i < pairs && reader.Fault is null; i++)
        {
            var key = reader.Text("metadata key", MaxKeyBytes);
            ReadValue(ref reader, key, (uint)reader.Unsigned(4), 0);
        }
    }

    public string Text(string key) => _texts.GetValueOrDefault(key, "");

    /// <summary>The number of a key (the first of a per-layer list), or null.</summary>
    public long? Number(string key) =>
        _numbers.TryGetValue(key, out var values) && values.Length > 0 ? values[0] : null;

    /// <summary>The per-layer numbers of a key; empty when absent.</summary>
    public long[] Numbers(string key) => _numbers.GetValueOrDefault(key, []);

    public long? LengthOf(string key) => _lengths.TryGetValue(key, out var length) ? length : null;

    private void ReadValue(ref GgufReader reader, string key, uint type, int depth)
    {
        if (type == StringType)
        {
            _texts[key] = reader.Text(key, MaxKeyBytes);
        }
        else if (type == ArrayType)
        {
            ReadArray(ref reader, key, depth);
        }
        else if (ReadScalar(ref reader, key, type) is { } number)
        {
            _numbers[key] = [number];
        }
    }

    private void ReadArray(ref GgufReader reader, string key, int depth)
    {
        var type = (uint)reader.Unsigned(4);
        var length = reader.Unsigned(8);
        if (length > MaxArrayElements || depth >= MaxDepth)
        {
            reader.Refuse(
                ModelRefusalKind.BadField,
                key,
                $"An array of {length} elements, {depth} deep; at most {MaxArrayElements} and {MaxDepth} are read."
            );
            return;
        }

        _lengths[key] = (long)length;
        if (type == ArrayType)
        {
            for (ulong i = 0; i < length && reader.Fault is null; i++)
            {
                ReadArray(ref reader, key, depth + 1);
            }

            return;
        }

        var kept = new List<long>();
        for (ulong i = 0; i < length && reader.Fault is null; i++)
        {
            if (type == StringType)
            {
                reader.Utf8(key);
            }
            else if (ReadScalar(ref reader, key, type) is { } number && kept.Count < MaxKeptElements)
            {
                kept.Add(number);
            }
        }

        _numbers[key] = [.. kept];
    }

    /// <summary>A scalar as a whole number; null after an error and for floating point.</summary>
    private static long? ReadScalar(ref GgufReader reader, string key, uint type)
    {
        // The numbers are gguf_metadata_value_type of the GGUF specification.
        var width = type switch
        {
            0 or 1 or 7 => 1,
            2 or 3 => 2,
            4 or 5 or 6 => 4,
            10 or 11 or 12 => 8,
            _ => 0,
        };
        if (width == 0)
        {
            reader.Refuse(ModelRefusalKind.Malformed, key, $"Metadata value type {type} is none of GGUF's.");
            return null;
        }

        var bits = reader.Unsigned(width);
        return type is 6 or 12 || reader.Fault is not null ? null : Signed(bits, type);
    }

    private static long Signed(ulong bits, uint type) =>
        type switch
        {
            1 => unchecked((sbyte)bits),
            3 => unchecked((short)bits),
            5 => unchecked((int)bits),
            11 => unchecked((long)bits),
            _ => bits > long.MaxValue ? long.MaxValue : (long)bits,
        };
}
