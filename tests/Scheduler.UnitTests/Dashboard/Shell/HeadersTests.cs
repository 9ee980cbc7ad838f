using Scheduler.Domain.Keys;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Shell;

/// <summary>Security headers of all pages and actions: a new one is included automatically.</summary>
public sealed class HeadersTests(DashboardFixture dashboard) : IClassFixture<DashboardFixture>
{
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; "
        + "form-action 'self'; base-uri 'self'; frame-ancestors 'none'";

    [Fact]
    public async Task Every_page_has_the_security_headers()
    {
        using var browser = await dashboard.OpenAsync(dashboard.Operator);
        foreach (var page in dashboard.Pages.Where(page => !page.IsAction))
        {
            var answer = await browser.GetAsync(dashboard.OfB.PathOf(page.Template));
            AssertHeaders(answer, page.ToString());
            Assert.True(answer.Status is 200 or 302 or 404, $"{page}: {answer.Status} {answer.Text}");
        }
    }

    [Fact]
    public async Task Every_action_has_the_security_headers()
    {
        using var browser = await dashboard.OpenAsync(await dashboard.KeyAsync(null, KeyRole.Viewer));
        var token = await browser.TokenAsync();
        foreach (var page in dashboard.Pages.Where(page => page.IsForm && !page.Template.EndsWith("/sign-out")))
        {
            var path = dashboard.OfB.PathOf(page.Template);
            AssertHeaders(await browser.PostWithAsync(token, path, dashboard.OfB.Fields), page.ToString());
            AssertHeaders(await browser.PostWithAsync(null, path), $"{page} without a token");
        }
    }

    [Theory]
    [InlineData("/dashboard", 302)]
    [InlineData("/dashboard/live", 302)]
    [InlineData("/dashboard/sign-in", 200)]
    [InlineData("/dashboard/orleans/", 302)]
    public async Task Answers_without_a_session_have_the_security_headers(string path, int status)
    {
        using var browser = dashboard.Open();
        var answer = await browser.GetAsync(path);
        Assert.Equal(status, answer.Status);
        AssertHeaders(answer, path);
    }

    [Theory]
    [InlineData("/dashboard/instances/i-nnnnnnnnnnnnnnnnnnnn", 404, "NOT_FOUND")]
    [InlineData("/dashboard/instances/%3Cb%3E", 404, "NOT_FOUND")]
    [InlineData("/dashboard/nothing/here", 404, "NOT_FOUND")]
    [InlineData("/dashboard/nothing.css", 404, "NOT_FOUND")]
    [InlineData("/dashboard/orleans/", 403, "PERMISSION_DENIED")]
    [InlineData("/dashboard/session", 404, "NOT_FOUND")]
    public async Task An_error_page_shows_its_cause_and_request_id(string path, int status, string reason)
    {
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfA);
        var answer = await browser.GetAsync(path);
        Assert.Equal(status, answer.Status);
        AssertHeaders(answer, path);
        Assert.StartsWith("text/html", answer.Headers["Content-Type"]);
        Assert.Contains(reason, answer.Text);
        Assert.Contains(answer.RequestId, answer.Text);
        Assert.DoesNotContain("<b>", answer.Text);
    }

    [Fact]
    public async Task An_unexpected_error_shows_the_request_id_and_no_exception_text()
    {
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfA);
        dashboard.Cluster.Gate = Task.FromException(new InvalidDataException("secret detail"));
        var broken = await browser.GetAsync($"/dashboard/instances/{dashboard.OfA.Instance}");
        dashboard.Cluster.Gate = Task.FromException(new TimeoutException("secret detail"));
        var later = await browser.GetAsync($"/dashboard/instances/{dashboard.OfA.Instance}");
        dashboard.Cluster.Gate = Task.CompletedTask;

        Assert.Equal((500, 503), (broken.Status, later.Status));
        Assert.All(
            [broken, later],
            answer =>
            {
                AssertHeaders(answer, "a bug");
                Assert.Contains(answer.RequestId, answer.Text);
                Assert.DoesNotContain("secret", answer.Text);
            }
        );
    }

    [Fact]
    public async Task The_event_stream_has_the_security_headers()
    {
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfA);
        AssertHeaders(await browser.GetAsync("/dashboard/live"), "live");
    }

    private static void AssertHeaders(Browser.Answer answer, string what)
    {
        var isOrleans = what.Contains("/orleans", StringComparison.Ordinal);
        Assert.Matches("^req-[a-z2-7]{26}$", answer.RequestId);
        var policy = answer.Headers.GetValueOrDefault("Content-Security-Policy", $"none on {what}, {answer.Status}");
        if (isOrleans)
        {
            Assert.Contains("script-src 'self';", policy);
            Assert.Contains("frame-ancestors 'none'", policy);
        }
        else
        {
            Assert.Equal(Policy, policy);
        }

        Assert.Equal("nosniff", answer.Headers["X-Content-Type-Options"]);
        Assert.Equal("same-origin", answer.Headers["Referrer-Policy"]);
        Assert.Equal("same-origin", answer.Headers["Cross-Origin-Opener-Policy"]);
        Assert.StartsWith("camera=()", answer.Headers["Permissions-Policy"]);
        Assert.Contains("no-store", answer.Headers["Cache-Control"]);
    }
}
