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

    /// <summary>Lines with which a parent process reports that a child failed, without the cause.</summary>
    private static readonly ImmutableArray<string> Consequences =
    [
        "See root cause above",
        "Engine core initialization failed",
        "Webserver Crashed",
        "WebserverFailed",
        "ShardCannotStart",
        "failed to start",
        "exiting due to",
        "Failed core proc",
        "[rank0]:[W",
    ];

    /// <summary>Whether a line mentions a failure.</summary>
    internal static bool NamesError(ReadOnlySpan<char> line) => ContainsAny(line, ErrorWords);

    /// <summary>
    /// The last line that mentions a failure and not only its consequence; else the last line that does, else the last
    /// line with text. Null without output.
    /// </summary>
    internal static string? LastErrorLine(string output)
    {
        string? cause = null;
        string? error = null;
        string? last = null;
        foreach (var line in output.AsSpan().EnumerateLines())
        {
            var text = line.IsWhiteSpace() ? null : line.ToString();
            last = text ?? last;
            error = text is not null && NamesError(line) ? text : error;
            cause = text is not null && NamesError(line) && !ContainsAny(line, Consequences) ? text : cause;
        }

        return (cause ?? error ?? last) is { } found ? Clean(found) : null;
    }

    private static bool ContainsAny(ReadOnlySpan<char> line, ImmutableArray<string> signs)
    {
        foreach (var sign in signs)
        {
            if (line.Contains(sign, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>External text on one line, truncated, without control characters and access tokens.</summary>
    public static string Clean(string text, int maxChars = MaxChars)
    {
        var plain = ColourCode().Replace(text, "");
        plain = AccessToken().Replace(plain, "[secret]");
        var line = new StringBuilder(Math.Min(plain.Length, maxChars));
        foreach (var letter in plain.AsSpan().Trim())
        {
            if (line.Length == maxChars - 1)
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
