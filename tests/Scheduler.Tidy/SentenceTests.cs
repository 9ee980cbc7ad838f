using System.Text.RegularExpressions;
using Xunit;

namespace Scheduler.Tidy;

/// <summary>
/// A sentence of a comment or a page has at most 25 words. A colon or a semicolon ends a sentence; code counts as one
/// word.
/// </summary>
public sealed partial class SentenceTests
{
    private const int MostWords = 25;

    public static TheoryData<string> Folders => ["src", "tests"];

    [Theory]
    [MemberData(nameof(Folders))]
    public void Comments_have_short_sentences(string folder) =>
        Assert.Empty(Repo.Files(folder, "*.cs").SelectMany(file => TooLong(file, Comments(File.ReadLines(file)))));

    [Fact]
    public void Pages_have_short_sentences() =>
        Assert.Empty(
            ProseTests
                .Pages.Select(row => Repo.Path((string)row.Data))
                .SelectMany(file => TooLong(file, Paragraphs(File.ReadLines(file))))
        );

    [Theory]
    [InlineData(25, 0)]
    [InlineData(26, 1)]
    public void The_limit_is_25_words(int words, int faults)
    {
        var lines = Enumerable.Repeat("/// word word", words / 2).Append(words % 2 == 0 ? "/// ." : "/// word.");
        Assert.Equal(faults, TooLong(Repo.Path("README.md"), Comments(lines)).Count());
    }

    private static IEnumerable<string> TooLong(string file, IEnumerable<string> paragraphs) =>
        from paragraph in paragraphs
        from block in Breaks().Split(paragraph)
        from sentence in SentenceEnd().Split(Code().Replace(block, "code"))
        let words = Word().Count(Tag().Replace(sentence, ""))
        where words > MostWords
        select $"{Repo.Relative(file)}: {words} words: {sentence.Trim()}";

    /// <summary>Comments on consecutive lines, each as one text.</summary>
    private static IEnumerable<string> Comments(IEnumerable<string> lines) =>
        Joined(
            lines.Select(line => Comment().Match(line)).Select(match => match.Success ? match.Groups[1].Value : null)
        );

    /// <summary>Paragraphs, list items and rows of tables, each as one text; blocks of code are left out.</summary>
    private static IEnumerable<string> Paragraphs(IEnumerable<string> lines)
    {
        var isCode = false;
        var prose = new List<string?>();
        foreach (var line in lines)
        {
            isCode ^= line.TrimStart().StartsWith("```", StringComparison.Ordinal);
            if (isCode || line.Trim().Length == 0 || ItemStart().IsMatch(line))
            {
                prose.Add(null);
            }

            if (!isCode)
            {
                prose.AddRange(line.Split('|'));
            }
        }

        return Joined(prose);
    }

    private static IEnumerable<string> Joined(IEnumerable<string?> lines)
    {
        var current = new List<string>();
        foreach (var line in lines.Append(null))
        {
            if (line is not null)
            {
                current.Add(line);
            }
            else if (current.Count > 0)
            {
                yield return string.Join(' ', current);
                current.Clear();
            }
        }
    }

    [GeneratedRegex(@"^\s*///?\s?(.*)$")]
    private static partial Regex Comment();

    [GeneratedRegex(@"^\s*([-*#|]|\d+\.)\s?", RegexOptions.ExplicitCapture)]
    private static partial Regex ItemStart();

    [GeneratedRegex(
        @"</?(summary|para|remarks|param|returns|exception|value|typeparam|list|item|description|term)\b[^>]*>|\s\s\s+",
        RegexOptions.ExplicitCapture
    )]
    private static partial Regex Breaks();

    [GeneratedRegex(@"(?<=[.:;!?][)*_]*)\s+")]
    private static partial Regex SentenceEnd();

    [GeneratedRegex(
        @"`[^`]*`|<c>.*?</c>|<code>.*?</code>|<(see|seealso|paramref|typeparamref) [^>]*/>|\]\([^)]*\)",
        RegexOptions.ExplicitCapture
    )]
    private static partial Regex Code();

    [GeneratedRegex("<[^>]+>")]
    private static partial Regex Tag();

    [GeneratedRegex(@"[\p{L}\p{N}][\p{L}\p{N}'’./_-]*")]
    private static partial Regex Word();
}
