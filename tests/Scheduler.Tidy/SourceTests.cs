using System.Text.RegularExpressions;
using Xunit;

namespace Scheduler.Tidy;

public sealed partial class SourceTests
{
    private const int MaxLines = 400;

    private static IEnumerable<string> Sources => Repo.Files("src", "*.cs").Concat(Repo.Files("tests", "*.cs"));

    [Fact]
    public void Source_files_have_at_most_400_lines()
    {
        var long_ = Repo.Files("src", "*.cs")
            .Select(file => (File: Repo.Relative(file), Lines: File.ReadLines(file).Count()))
            .Where(file => file.Lines > MaxLines);
        Assert.Empty(long_);
    }

    [Fact]
    public void Every_TODO_names_an_issue()
    {
        var left = Sources
            .Where(file => !file.EndsWith("SourceTests.cs", StringComparison.Ordinal))
            .SelectMany(file =>
                File.ReadLines(file).Select((line, i) => $"{Repo.Relative(file)}:{i + 1} {line.Trim()}")
            )
            .Where(line => Later().IsMatch(line) && !WithIssue().IsMatch(line));
        Assert.Empty(left);
    }

    [Fact]
    public void Only_the_catalogue_creates_failures()
    {
        var makers = Repo.Files("src", "*.cs")
            .Where(file => MakesFailure().IsMatch(File.ReadAllText(file)))
            .Select(Repo.Relative);
        Assert.Equal(["src/Scheduler.Domain/Failures/FailureCatalogue.cs"], makers);
    }

    [GeneratedRegex(@"\b(FIXME|HACK|XXX|TODO)\b")]
    private static partial Regex Later();

    [GeneratedRegex(@"TODO\(#\d+\)")]
    private static partial Regex WithIssue();

    [GeneratedRegex(@"new\s+(Scheduler\.Domain\.Failures\.)?Failure\s*[\({\r\n]")]
    private static partial Regex MakesFailure();
}
