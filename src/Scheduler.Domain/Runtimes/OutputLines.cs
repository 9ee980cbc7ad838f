using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;

namespace Scheduler.Domain.Runtimes;

/// <summary>Selects the most informative line of a runtime's output and makes it safe to show.</summary>
public static partial class OutputLines
{
    /// <summary>Maximum length of a selected line, in characters: it must fit one line of the dashboard.</summary>
    public const int MaxChars = 300;

    private static readonly ImmutableArray<string> ErrorWords = ["error", "exception", "fatal", "failed", "panic"];

    /// <summary>The last line that contains one of the signs, cleaned; null when none does.</summary>
    internal static string? LastWith(string output, ImmutableArray<string> signs)
    {
        string? found = null;
        foreach (var line in output.AsSpan().EnumerateLines())
        {
            foreach (var sign in signs)
            {
                if (line.Contains(sign, StringComparison.OrdinalIgnoreCase))
                {
                    found = line.ToString();
                    break;
                }
            }
        }

        return found is null ? null : Clean(found);
    }

    /// <summary>The last line that mentions a failure, else the last line with text; null without output.</summary>
    internal static string? LastErrorLine(string output)
    {
        if (LastWith(output, ErrorWords) is { } errorLine)
        {
            return errorLine;
        }

        string? last = null;
        foreach (var line in output.AsSpan().EnumerateLines())
        {
            if (!line.IsWhiteSpace())
            {
                last = line.ToString();
            }
        }

        return last is null ? null : Clean(last);
    }

    /// <summary>External text on one line, truncated, without control characters and access tokens.</summary>
    public static string Clean(string text)
    {
        var plain = ColourCode().Replace(text, "");
        plain = AccessToken().Replace(plain, "[secret]");
        var line = new StringBuilder(Math.Min(plain.Length, MaxChars));
        foreach (var letter in plain.AsSpan().Trim())
        {
            if (line.Length == MaxChars - 1)
            {
                line.Append('…');
                break;
            }

            line.Append(char.IsControl(letter) ? ' ' : letter);
        }

        return line.ToString();
    }

    [GeneratedRegex(@"\x1B\[[0-9;?]*[A-Za-z]", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ColourCode();

    // Tokens of Hugging Face, OpenAI style and bearer headers: runtimes print them when a download is refused.
    [GeneratedRegex(
        @"\b(hf_|sk-|rpa_)[A-Za-z0-9_-]{12,}|(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{8,}",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000
    )]
    private static partial Regex AccessToken();
}
