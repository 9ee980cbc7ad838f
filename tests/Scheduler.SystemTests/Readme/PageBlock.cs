namespace Scheduler.SystemTests.Readme;

/// <summary>A fenced block of a page: <c>```language note</c>, its lines, <c>```</c>.</summary>
/// <param name="Page">The page, relative to the repository.</param>
/// <param name="Line">Line of the opening fence, from 1.</param>
/// <param name="Language">First word after the fence.</param>
/// <param name="Note">The other words after the fence.</param>
/// <param name="Text">Its lines.</param>
internal sealed record PageBlock(string Page, int Line, string Language, string Note, string Text)
{
    /// <summary>Commands for bash.</summary>
    public const string Commands = "sh";

    /// <summary>
    /// What the commands before it print: each line appears in this order, and <c>…</c> matches any characters.
    /// </summary>
    public const string Output = "output";

    /// <summary>Note of commands that are typed in the first terminal, after Ctrl-C if it still serves.</summary>
    private const string FirstTerminal = "first-terminal";

    /// <summary>Begin of the note of commands that the tests cannot run; the reason follows.</summary>
    private const string NoTest = "no-test: ";

    private const string Fence = "```";

    /// <summary>Diagrams and data, which nothing runs.</summary>
    private static readonly string[] Shown = ["text", "json", "ini"];

    public string Where => $"{Page}:{Line}";

    public bool IsForFirstTerminal => Note == FirstTerminal;

    /// <summary>Why the tests do not run it; null if they do.</summary>
    public string? Reason => Note.StartsWith(NoTest, StringComparison.Ordinal) ? Note[NoTest.Length..] : null;

    /// <summary>The blocks of a page that are run, marked as not tested, or compared; in order.</summary>
    /// <exception cref="FormatException">A fence has no known language or note, or no end.</exception>
    public static IReadOnlyList<PageBlock> Of(string page, string markdown)
    {
        var blocks = new List<PageBlock>();
        PageBlock? open = null;
        var lines = markdown.Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            if (open is not null)
            {
                if (lines[i] == Fence)
                {
                    blocks.Add(open);
                    open = null;
                }
                else
                {
                    open = open with { Text = $"{open.Text}{lines[i]}\n" };
                }
            }
            else if (lines[i].StartsWith(Fence, StringComparison.Ordinal))
            {
                open = Opened(page, i + 1, lines[i][Fence.Length..]);
            }
        }

        return open is null
            ? [.. blocks.Where(block => !Shown.Contains(block.Language))]
            : throw new FormatException($"{open.Where}: the block has no end.");
    }

    private static PageBlock Opened(string page, int line, string info)
    {
        var words = info.Split(' ', 2);
        var block = new PageBlock(page, line, words[0], words.Length > 1 ? words[1] : "", "");
        var isKnown = block.Language switch
        {
            Commands => block.Note is "" || block.IsForFirstTerminal || block.Reason is { Length: > 0 },
            _ => block.Note is "" && (block.Language == Output || Shown.Contains(block.Language)),
        };
        return isKnown ? block : throw new FormatException($"{block.Where}: unknown language or note '{info}'.");
    }
}
