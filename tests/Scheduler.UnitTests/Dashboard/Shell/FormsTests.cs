using FsCheck.Xunit;
using Scheduler.Dashboard.Shell;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Shell;

public sealed class FormsTests
{
    private const string Origin = "http://dashboard.example";
    private const string First = "/dashboard";

    private static readonly string[] Parts =
    [
        "/dashboard",
        "/",
        "//",
        "\\",
        ".",
        "..",
        "%2e",
        "%2F",
        "%5C",
        "?",
        "#",
        "@",
        ":",
        ";",
        "evil.example",
        "http:",
        "https://evil.example",
        "javascript:",
        "instances",
        " ",
        "\t",
        "\r",
        "\n",
        "\0",
        "\u2028",
        "ü",
        "%0d%0a",
    ];

    [Property(MaxTest = 5000)]
    public void A_return_path_never_leads_outside_the_dashboard(int[] picks, bool isUnderOurs)
    {
        var said =
            (isUnderOurs ? First : "") + string.Concat(picks.Select(pick => Parts[Math.Abs(pick % Parts.Length)]));
        var path = Forms.LocalPath(said);

        Assert.True(path == said || path == First, path);
        Assert.All(path, letter => Assert.InRange(letter, '!', '~'));
        Assert.DoesNotContain('\\', path);
        Assert.DoesNotContain("//", path.Split('?', '#')[0]);
        var followed = new Uri(new Uri($"{Origin}{First}/session"), path);
        Assert.Equal(Origin, followed.GetLeftPart(UriPartial.Authority));
        Assert.StartsWith(First, followed.AbsolutePath);
    }

    [Theory]
    [InlineData("/dashboard")]
    [InlineData("/dashboard/")]
    [InlineData("/dashboard?window=7d")]
    [InlineData("/dashboard/instances?q=a%2F%2Fb&sort=name#main")]
    [InlineData("/dashboard/instances?q=http://a/../b")]
    [InlineData("/dashboard/requests/my%20own%20id")]
    [InlineData("/dashboard/instances/i-a...b")]
    public void A_dashboard_path_is_kept_as_return_path(string path) => Assert.Equal(path, Forms.LocalPath(path));

    [Theory]
    [InlineData("")]
    [InlineData(null)]
    [InlineData("dashboard")]
    [InlineData("/")]
    [InlineData("/dashboards")]
    [InlineData("/dashboard//evil.example")]
    [InlineData("/dashboard/../v1/accounts")]
    [InlineData("/dashboard/%2e%2E/v1/accounts")]
    [InlineData("/dashboard/.")]
    [InlineData("/dashboard\\evil.example")]
    [InlineData("/dashboard/\r\nSet-Cookie: a=b")]
    [InlineData("/dashboard/ü")]
    [InlineData("//evil.example/dashboard/")]
    [InlineData("https://evil.example/dashboard/")]
    [InlineData("javascript:alert(1)")]
    public void Any_other_return_path_becomes_the_first_page(string? path) =>
        Assert.Equal(First, Forms.LocalPath(path));

    [Fact]
    public void A_return_path_that_is_too_long_becomes_the_first_page() =>
        Assert.Equal(First, Forms.LocalPath("/dashboard/" + new string('a', 2048)));
}
