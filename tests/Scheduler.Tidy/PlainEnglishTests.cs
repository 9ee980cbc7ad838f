using System.Text.RegularExpressions;
using Xunit;

namespace Scheduler.Tidy;

/// <summary>
/// Comments, log messages and pages use standard terms. The list contains images that this project once used and that a
/// reader had to learn first. Code in backticks, <c>&lt;c&gt;</c> and <c>cref</c> is ignored.
/// </summary>
public sealed partial class PlainEnglishTests
{
    private static readonly string[] Banned =
    [
        "whoever",
        "nobody",
        "somebody",
        "anew",
        "heirs",
        "eyes",
        "doors?",
        "doorkeeper",
        "turbulence",
        "the hands",
        "the house",
        "under way",
        "is told",
        "are told",
        "is said",
        "stands? for",
        "strangers?",
    ];

    [Fact]
    public void Prose_contains_no_banned_word() =>
        Assert.Empty(
            Prose().Where(line => Image().IsMatch(line.Text)).Select(line => $"{line.Where}: {line.Text.Trim()}")
        );

    [Theory]
    [InlineData("/// <summary>Whoever asks.</summary>", true)]
    [InlineData("// The <c>doors</c> role.", false)]
    [InlineData("// Uses `nobody` as the user.", false)]
    [InlineData("// A sliding window.", false)]
    [InlineData("/// <see cref=\"Doorkeeper\"/> checks the key.", false)]
    public void Code_in_prose_is_ignored(string line, bool isBanned) =>
        Assert.Equal(isBanned, Image().IsMatch(WithoutCode(line)));

    private static Regex Image() => Images;

    private static readonly Regex Images = new(
        $@"\b({string.Join('|', Banned)})\b",
        RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture | RegexOptions.Compiled,
        TimeSpan.FromSeconds(1)
    );

    private static IEnumerable<(string Where, string Text)> Prose()
    {
        foreach (var file in Repo.Files("src", "*.cs").Concat(Repo.Files("src", "*.razor")))
        {
            foreach (var line in LinesOf(file, line => Comment().IsMatch(line) || line.Contains("[LoggerMessage(")))
            {
                yield return line;
            }
        }

        foreach (var file in Repo.Files("src", "*.sql"))
        {
            foreach (var line in LinesOf(file, line => line.TrimStart().StartsWith("--", StringComparison.Ordinal)))
            {
                yield return line;
            }
        }

        foreach (var page in ProseTests.Pages.Select(row => (string)row.Data))
        {
            var isCode = false;
            foreach (var line in LinesOf(Repo.Path(page), _ => true))
            {
                isCode ^= line.Text.TrimStart().StartsWith("```", StringComparison.Ordinal);
                if (!isCode)
                {
                    yield return line;
                }
            }
        }
    }

    private static IEnumerable<(string Where, string Text)> LinesOf(string file, Func<string, bool> isProse) =>
        File.ReadLines(file)
            .Select((text, i) => (Where: $"{Repo.Relative(file)}:{i + 1}", Text: text))
            .Where(line => isProse(line.Text))
            .Select(line => (line.Where, WithoutCode(line.Text)));

    private static string WithoutCode(string line) => Code().Replace(line, "");

    [GeneratedRegex(@"^\s*//|\s// ")]
    private static partial Regex Comment();

    [GeneratedRegex(
        @"`[^`]*`|<c>.*?</c>|<code>.*?</code>|\b(cref|name|href)=""[^""]*""|\]\([^)]*\)",
        RegexOptions.ExplicitCapture
    )]
    private static partial Regex Code();
}
