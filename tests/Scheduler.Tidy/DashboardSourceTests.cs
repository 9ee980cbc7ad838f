using System.Text.RegularExpressions;
using Xunit;

namespace Scheduler.Tidy;

/// <summary>
/// What the pages' own policy would stop in a browser is not written in the first place: a page brings no style and no script of its own,
/// and asks no other host for anything.
/// </summary>
public sealed partial class DashboardSourceTests
{
    private const string Room = "src/Scheduler.Dashboard";
    private const int MaxLines = 400;

    private static IEnumerable<string> Razor => Repo.Files(Room, "*.razor");

    private static IEnumerable<string> Assets => Repo.Files($"{Room}/wwwroot", "*.*");

    [Fact]
    public void No_page_style_or_script_is_longer_than_one_sitting()
    {
        var tooLong = Razor
            .Concat(Assets)
            .Select(file => (File: Repo.Relative(file), Lines: File.ReadLines(file).Count()))
            .Where(file => file.Lines > MaxLines);
        Assert.Empty(tooLong);
    }

    [Fact]
    public void No_page_has_a_style_or_a_script_inside_it() => Assert.Empty(Razor.SelectMany(InPage().FoundIn));

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
    public void A_style_or_script_inside_a_page_is_found(string text) => Assert.Matches(InPage(), text);

    [Theory]
    [InlineData("<script type=\"module\" src=\"@Assets[\"dashboard.js\"]\"></script>")]
    [InlineData("<button @onclick=\"Go\">")]
    [InlineData("<td class=\"style\">")]
    public void What_a_page_may_have_is_not_taken_for_it(string text) => Assert.DoesNotMatch(InPage(), text);

    [Theory]
    [InlineData("<link rel=\"stylesheet\" href=\"https://cdn.example/a.css\" />")]
    [InlineData("<img src='//cdn.example/a.png'>")]
    [InlineData("@import url(https://fonts.example/a);")]
    [InlineData("@import \"//fonts.example/a\";")]
    [InlineData("src: url(\"http://fonts.example/a.woff2\")")]
    [InlineData("import { a } from \"https://cdn.example/a.js\";")]
    [InlineData("fetch(`https://elsewhere.example/`)")]
    public void An_address_of_another_host_is_found(string text) => Assert.Matches(Elsewhere(), text);

    [Theory]
    [InlineData("xmlns=\"http://www.w3.org/2000/svg\"")]
    [InlineData("// a comment, and a / b // c")]
    [InlineData("href=\"/dashboard//x\"")]
    public void What_leads_nowhere_else_is_not_taken_for_it(string text) => Assert.DoesNotMatch(Elsewhere(), text);

    [GeneratedRegex(
        @"<style\b|(?<![\w-])style\s*=|<script\b(?![^>]*\bsrc\s*=)|(?<![\w@-])on[a-z]+\s*=\s*[""']|javascript:",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex InPage();

    // A namespace is a name that looks like an address; nobody asks for it.
    [GeneratedRegex(@"https?://(?!www\.w3\.org/)|[""'(`]//", RegexOptions.IgnoreCase)]
    private static partial Regex Elsewhere();
}

file static class RegexExtensions
{
    /// <summary>The lines of a file in which something is found.</summary>
    public static IEnumerable<string> FoundIn(this Regex sought, string file) =>
        File.ReadLines(file)
            .Select((line, i) => (Line: line, Place: $"{Repo.Relative(file)}:{i + 1}"))
            .Where(at => sought.IsMatch(at.Line))
            .Select(at => $"{at.Place} {at.Line.Trim()}");
}
