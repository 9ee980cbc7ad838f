using System.Globalization;
using System.Text.Unicode;

namespace Scheduler.Inference.Gateway;

/// <summary>
/// Checks that every text of a JSON body is valid Unicode. The JSON reader detects an invalid text only when it decodes
/// it, and the gateway decodes most texts late or never. Parsers also disagree on the replacement of invalid text.
/// </summary>
internal static class UnicodeText
{
    private const int EscapeLength = 6;

    /// <summary>Whether the bytes are UTF-8 and each <c>\uXXXX</c> escape of a surrogate belongs to a pair.</summary>
    public static bool IsValid(ReadOnlySpan<byte> json)
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
            var length = Escaped(rest) switch
            {
                { } unit when char.IsHighSurrogate(unit) => IsLow(rest[EscapeLength..]) ? 2 * EscapeLength : 0,
                { } unit when char.IsLowSurrogate(unit) => 0,
                // A backslash and the character after it.
                _ => Math.Min(2, rest.Length),
            };
            if (length == 0)
            {
                return false;
            }

            rest = rest[length..];
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
