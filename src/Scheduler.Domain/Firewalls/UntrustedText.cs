using System.Buffers;
using System.Globalization;
using System.Text;

namespace Scheduler.Domain.Firewalls;

/// <summary>
/// Escapes untrusted text as the content of a JSON string that a language model reads. Letters of all scripts stay as
/// they are. The encoder of a JSON library would escape every apostrophe and would not escape control tokens of chat
/// templates.
/// </summary>
internal static class UntrustedText
{
    /// <summary>Appends the escaped text.</summary>
    /// <param name="text">Any characters, also halves of surrogate pairs.</param>
    /// <param name="onto">The destination.</param>
    public static void Quote(ReadOnlySpan<char> text, StringBuilder onto)
    {
        while (!text.IsEmpty)
        {
            var isWhole = Rune.DecodeFromUtf16(text, out var rune, out var length) == OperationStatus.Done;
            if (isWhole && rune.Value is '"' or '\\')
            {
                onto.Append('\\').Append((char)rune.Value);
            }
            else if (isWhole && rune.Value == '\n')
            {
                onto.Append("\\n");
            }
            else if (isWhole && IsPlain(rune))
            {
                onto.Append(text[..length]);
            }
            else if (isWhole)
            {
                foreach (var unit in text[..length])
                {
                    onto.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}");
                }
            }
            else
            {
                // Half of a surrogate pair; the JSON for the runtime would contain U+FFFD in any case.
                onto.Append('\uFFFD');
            }

            text = text[length..];
        }
    }

    /// <summary>
    /// Whether a character needs no escape. These need one: characters without a glyph (a judge could ignore what
    /// another model reads) and line ends of any kind. So do the first characters of control tokens
    /// (<c>&lt;|im_start|&gt;</c>, <c>&lt;start_of_turn&gt;</c>, <c>[INST]</c> …).
    /// </summary>
    private static bool IsPlain(Rune rune) =>
        rune.Value is not ('<' or '[')
        && (
            rune.Value == ' '
            || Rune.GetUnicodeCategory(rune)
                is not (
                    UnicodeCategory.SpaceSeparator
                    or UnicodeCategory.Control
                    or UnicodeCategory.Format
                    or UnicodeCategory.LineSeparator
                    or UnicodeCategory.ParagraphSeparator
                    or UnicodeCategory.PrivateUse
                    or UnicodeCategory.Surrogate
                    or UnicodeCategory.OtherNotAssigned
                )
        );
}
