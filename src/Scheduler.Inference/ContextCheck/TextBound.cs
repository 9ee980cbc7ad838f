namespace Scheduler.Inference.ContextCheck;

/// <summary>
/// The most tokens a text can have, from its bytes alone. No tokenizer makes more tokens than its text has bytes after normalization; ASCII
/// is never changed by that, and all else grows at most elevenfold.
/// </summary>
/// <remarks>
/// Elevenfold: U+FDFA, three bytes of UTF-8, becomes 18 characters of 33 bytes under NFKC, the most of all (Unicode Standard Annex #15,
/// "Normalization Forms", worst-case expansion factors).
/// </remarks>
internal static class TextBound
{
    private const int Growth = 11;

    /// <summary>UTF-8 bytes a <c>\uXXXX</c> stands for at most.</summary>
    private const int EscapedBytes = 3;

    /// <summary>The bound for a text as JSON writes it, quotes, escapes and all.</summary>
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
