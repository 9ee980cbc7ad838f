namespace Scheduler.Inference.ContextCheck;

/// <summary>
/// The upper bound of a text's tokens, from its bytes alone. No tokenizer produces more tokens than the text has
/// bytes after normalization. Normalization never changes ASCII, and other text grows at most elevenfold.
/// </summary>
/// <remarks>
/// Elevenfold: U+FDFA, three bytes of UTF-8, becomes 18 characters of 33 bytes under NFKC. This is the largest
/// expansion (Unicode Standard Annex #15, "Normalization Forms", worst-case expansion factors).
/// </remarks>
internal static class TextBound
{
    private const int Growth = 11;

    /// <summary>Most UTF-8 bytes of one <c>\uXXXX</c> escape.</summary>
    private const int EscapedBytes = 3;

    /// <summary>The bound for a text in its JSON form, with quotes and escapes.</summary>
    public static long OfJson(ReadOnlySpan<byte> json)
    {
        long bound = json.Length;
        for (var rest = json; ; )
        {
            var at = rest.IndexOf("\\u"u8);
            if (at < 0)
            {
                break;
            }

            bound += (EscapedBytes * Growth) - "\\uXXXX".Length;
            rest = rest[(at + 2)..];
        }

        for (var rest = json; ; )
        {
            var at = rest.IndexOfAnyInRange((byte)0x80, (byte)0xFF);
            if (at < 0)
            {
                return bound;
            }

            var run = rest[at..].IndexOfAnyExceptInRange((byte)0x80, (byte)0xFF);
            var length = run < 0 ? rest.Length - at : run;
            bound += (long)length * (Growth - 1);
            rest = rest[(at + length)..];
        }
    }
}
