using System.Globalization;
using System.Text.Unicode;

namespace Scheduler.Inference.Gateway;

/// <summary>
/// Makes every text of a JSON body valid Unicode. JSON permits an escape that is half of a surrogate pair (RFC 8259,
/// section 8.2), and clients that cut texts send it. No tokenizer reads it, and runtimes answer it with different
/// errors. The replacement character takes its place, as in every text decoder.
/// </summary>
internal static class UnicodeText
{
    private const int EscapeLength = 6;

    private static ReadOnlySpan<byte> Replacement => "\\ufffd"u8;

    /// <summary>Replaces each escape <c>\uXXXX</c> that is half of a surrogate pair; the length stays the same.</summary>
    /// <returns>False when the bytes are not UTF-8; then nothing is changed.</returns>
    public static bool TryRepair(Span<byte> json)
    {
        if (!Utf8.IsValid(json))
        {
            return false;
        }

        for (var rest = json; ; )
        {
            var at = rest.IndexOf((byte)'\\');
            if (at < 0)
            {
                return true;
            }

            rest = rest[at..];
            var unit = Escaped(rest);
            var isPair = unit is { } first && char.IsHighSurrogate(first) && IsLow(rest[EscapeLength..]);
            if (!isPair && unit is { } half && char.IsSurrogate(half))
            {
                Replacement.CopyTo(rest);
            }

            // An escape of another kind is a backslash and the character after it.
            rest = rest[Math.Min(isPair ? 2 * EscapeLength : 2, rest.Length)..];
        }
    }

    private static bool IsLow(ReadOnlySpan<byte> json) => Escaped(json) is { } unit && char.IsLowSurrogate(unit);

    /// <summary>The code unit of a leading escape <c>\uXXXX</c>; null for anything else.</summary>
    private static char? Escaped(ReadOnlySpan<byte> json) =>
        json.Length >= EscapeLength
        && json.StartsWith("\\u"u8)
        && ushort.TryParse(
            json[2..EscapeLength],
            NumberStyles.AllowHexSpecifier,
            CultureInfo.InvariantCulture,
            out var unit
        )
            ? (char)unit
            : null;
}
