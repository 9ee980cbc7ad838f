using System.Buffers;
using System.Globalization;
using System.Text;

namespace Scheduler.Domain.Firewalls;

/// <summary>
/// A stranger's text as the inside of a JSON string that a language model reads. Letters of all scripts stay as they are; a JSON library's
/// encoder would turn every apostrophe into an escape and keep control tokens of chat templates whole.
/// </summary>
internal static class UntrustedText
{
    /// <summary>Quotes a text onto the end of another.</summary>
    /// <param name="text">Anything, halves of surrogate pairs among it.</param>
    /// <param name="onto">What gets it.</param>
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
                // Half of a pair is no character, and no runtime gets it as anything else.
                onto.Append('\uFFFD');
            }

            text = text[length..];
        }
    }

    /// <summary>
    /// What a reader sees as itself. Not: what has no glyph (a judge would pass over what another model reads), line ends of any kind, and
    /// what all control tokens begin with (<c>&lt;|im_start|&gt;</c>, <c>&lt;start_of_turn&gt;</c>, <c>[INST]</c> …).
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
