using System.Text.RegularExpressions;
using Scheduler.Domain.Failures;
using Xunit;

namespace Scheduler.Tidy;

/// <summary>The documentation is checked against the code, because it would otherwise become outdated.</summary>
public sealed partial class ProseTests
{
    public static TheoryData<string> Pages =>
        [
            .. new[] { "README.md" }
                .Select(page => Repo.Path(page))
                .Concat(Repo.Files(".github", "*.md"))
                .Concat(Repo.Files("src", "*.md"))
                .Concat(Repo.Files("tests", "*.md"))
                .Concat(Repo.Files("deploy", "*.md"))
                .Concat(Repo.Files("silo-config", "*.md"))
                .Select(Repo.Relative),
        ];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_link_in_a_page_resolves(string page)
    {
        var folder = Path.GetDirectoryName(Repo.Path(page))!;
        var dead = Link()
            .Matches(File.ReadAllText(Repo.Path(page)))
            .Select(match => match.Groups[1].Value)
            .Where(target => !target.StartsWith("http", StringComparison.Ordinal) && !target.StartsWith('#'))
            .Select(target => target.Split('#')[0])
            .Where(target => !Path.Exists(Path.Combine(folder, target)));
        Assert.Empty(dead);
    }

    [Fact]
    public void The_failure_table_of_the_README_matches_the_catalogue()
    {
        var rows = FailureRow()
            .Matches(File.ReadAllText(Repo.Path("README.md")))
            .Select(match => string.Join(" | ", match.Groups.Values.Skip(1).Select(cell => cell.Value)));
        var catalogue = FailureCatalogue.All.Select(definition =>
            string.Create(
                System.Globalization.CultureInfo.InvariantCulture,
                $"{definition.Code.WireName()} | {definition.HttpStatus} | {definition.GrpcStatus} | {definition.Cause} | {definition.Remedy}"
            )
        );
        Assert.Equal(catalogue, rows);
    }

    [GeneratedRegex(@"\]\(([^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"^\| `([A-Z_]+)` \| (\d{3}) \| ([A-Z_]+) \| (.+) \| (.+) \|$", RegexOptions.Multiline)]
    private static partial Regex FailureRow();
}
