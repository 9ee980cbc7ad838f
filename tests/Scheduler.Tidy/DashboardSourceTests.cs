using System.Text.RegularExpressions;
using Xunit;

namespace Scheduler.Tidy;

/// <summary>
/// The sources obey the Content-Security-Policy of the pages: a page contains no style and no script, and loads nothing
/// from another host.
/// </summary>
public sealed partial class DashboardSourceTests
{
    private const string Room = "src/Scheduler.Dashboard";
    private const int MaxLines = 400;

    private static IEnumerable<string> Razor => Repo.Files(Room, "*.razor");

    private static IEnumerable<string> Assets => Repo.Files($"{Room}/wwwroot", "*.*");

    [Fact]
    public void Pages_styles_and_scripts_have_at_most_400_lines()
    {
        var tooLong = Razor
            .Concat(Assets)
            .Select(file => (File: Repo.Relative(file), Lines: File.ReadLines(file).Count()))
            .Where(file => file.Lines > MaxLines);
        Assert.Empty(tooLong);
    }

    [Fact]
    public void Pages_contain_no_inline_style_or_script() => Assert.Empty(Razor.SelectMany(InPage().FoundIn));

    [Fact]
    public void Nothing_is_fetched_from_another_host() =>
        Assert.Empty(Razor.Concat(Assets).SelectMany(Elsewhere().FoundIn));

    [Theory]
    [InlineData("<p style=\"color: red\">")]
    [InlineData("<p style='color: red'>")]
    [InlineData("<p style=@colour>")]
    [InlineData("<style>")]
    [InlineData("<style media=\"print\">")]
    [InlineData("<script>")]
    [InlineData("<script type=\"module\">")]
    [InlineData("<a onclick=\"go()\">")]
    [InlineData("<form onsubmit='go()'>")]
    [InlineData("<a href=\"javascript:go()\">")]
    public void Inline_styles_and_scripts_are_detected(string text) => Assert.Matches(InPage(), text);

    [Theory]
    [InlineData("<script type=\"module\" src=\"@Assets[\"dashboard.js\"]\"></script>")]
    [InlineData("<button @onclick=\"Go\">")]
    [InlineData("<td class=\"style\">")]
    public void Permitted_markup_is_not_detected(string text) => Assert.DoesNotMatch(InPage(), text);

    [Theory]
    [InlineData("<link rel=\"stylesheet\" href=\"https://cdn.example/a.css\" />")]
    [InlineData("<img src='//cdn.example/a.png'>")]
    [InlineData("@import url(https://fonts.example/a);")]
    [InlineData("@import \"//fonts.example/a\";")]
    [InlineData("src: url(\"http://fonts.example/a.woff2\")")]
    [InlineData("import { a } from \"https://cdn.example/a.js\";")]
    [InlineData("fetch(`https://elsewhere.example/`)")]
    public void Addresses_of_other_hosts_are_detected(string text) => Assert.Matches(Elsewhere(), text);

    [Theory]
    [InlineData("xmlns=\"http://www.w3.org/2000/svg\"")]
    [InlineData("// a comment, and a / b // c")]
    [InlineData("href=\"/dashboard//x\"")]
    public void Local_addresses_are_not_detected(string text) => Assert.DoesNotMatch(Elsewhere(), text);

    [GeneratedRegex(
        @"<style\b|(?<![\w-])style\s*=|<script\b(?![^>]*\bsrc\s*=)|(?<![\w@-])on[a-z]+\s*=\s*[""']|javascript:",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex InPage();

    // A namespace looks like an address, but no browser requests it.
    [GeneratedRegex(@"https?://(?!www\.w3\.org/)|[""'(`]//", RegexOptions.IgnoreCase)]
    private static partial Regex Elsewhere();
}

file static class RegexExtensions
{
    /// <summary>The lines of a file that match.</summary>
    public static IEnumerable<string> FoundIn(this Regex sought, string file) =>
        File.ReadLines(file)
            .Select((line, i) => (Line: line, Place: $"{Repo.Relative(file)}:{i + 1}"))
            .Where(at => sought.IsMatch(at.Line))
            .Select(at => $"{at.Place} {at.Line.Trim()}");
}
