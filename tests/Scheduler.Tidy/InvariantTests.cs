using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace Scheduler.Tidy;

/// <summary>Every cited invariant is defined in <c>src/invariants.md</c>, and a test cites every defined one.</summary>
public sealed partial class InvariantTests
{
    private static readonly string[] Written = ["*.cs", "*.md", "*.proto", "*.sql", "*.razor"];

    [Fact]
    public void Every_cited_invariant_is_defined() => Assert.Empty(Cited("src", "tests", "deploy").Except(Defined()));

    [Fact]
    public void A_test_cites_every_defined_invariant() => Assert.Empty(Defined().Except(Cited("tests")));

    [Theory]
    [InlineData("INV-03", "3")]
    [InlineData("Nothing_is_lost_INV_01_to_03", "1 2 3")]
    [InlineData("INV_01_to_03_and_11", "1 2 3 11")]
    [InlineData("INV-01 to INV-03", "1 2 3")]
    public void A_citation_is_parsed_with_its_ranges(string text, string expected) =>
        Assert.Equal(expected, string.Join(' ', NumbersIn(text)));

    private static List<int> Defined() =>
        [
            .. Definition()
                .Matches(File.ReadAllText(Repo.Path("src", "invariants.md")))
                .Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)),
        ];

    private static HashSet<int> Cited(params string[] folders) =>
        folders
            .SelectMany(folder => Written.SelectMany(pattern => Repo.Files(folder, pattern)))
            .Where(file => !file.EndsWith("InvariantTests.cs", StringComparison.Ordinal))
            .SelectMany(file => NumbersIn(File.ReadAllText(file)))
            .ToHashSet();

    private static IEnumerable<int> NumbersIn(string text)
    {
        foreach (Match citation in Citation().Matches(text))
        {
            var last = 0;
            foreach (Match number in Number().Matches(citation.Value))
            {
                var next = int.Parse(number.Groups["number"].Value, CultureInfo.InvariantCulture);
                var first = number.Groups["join"].Value == "to" ? last + 1 : next;
                for (var each = first; each <= next; each++)
                {
                    yield return each;
                }

                last = next;
            }
        }
    }

    [GeneratedRegex(@"^\| INV-(\d\d) \|", RegexOptions.Multiline)]
    private static partial Regex Definition();

    [GeneratedRegex(@"INV[-_]\d\d([_ ](to|and)[_ ](INV[-_])?\d\d)*", RegexOptions.ExplicitCapture)]
    private static partial Regex Citation();

    [GeneratedRegex(@"(?<join>to|and)?[_ ]?(INV[-_])?(?<number>\d\d)", RegexOptions.ExplicitCapture)]
    private static partial Regex Number();
}
