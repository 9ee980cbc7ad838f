using Scheduler.Domain.Keys;
using Scheduler.Grains.Keys;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.SignIn;

public sealed class SignInTests(DashboardFixture dashboard) : IClassFixture<DashboardFixture>
{
    [Fact]
    public async Task A_valid_key_opens_a_session_and_returns_to_the_requested_page()
    {
        using var browser = dashboard.Open();
        var asked = await browser.GetAsync("/dashboard/requests?x=1");
        Assert.Equal(302, asked.Status);
        var signIn = await browser.GetAsync(new Uri(asked.Location).PathAndQuery);
        Assert.Contains("value=\"/dashboard/requests?x=1\"", signIn.Text);

        var answer = await browser.TrySignInAsync($" {dashboard.KeyOfA} ", "/dashboard/requests?x=1");

        Assert.Equal((302, "/dashboard/requests?x=1"), (answer.Status, answer.Location));
        var page = await browser.GetAsync(answer.Location);
        Assert.Equal(200, page.Status);
        Assert.Contains(ApiFixture.KeyIdOf(dashboard.KeyOfA), page.Text);
        Assert.Contains("acct-a", page.Text);
    }

    [Fact]
    public async Task The_session_cookie_is_HttpOnly_and_contains_no_key()
    {
        using var browser = dashboard.Open();
        var answer = await browser.TrySignInAsync(dashboard.KeyOfA);
        var cookie = Assert.Single(
            answer.Headers["Set-Cookie"].Split('\n'),
            one => one.StartsWith("scheduler-session=", StringComparison.Ordinal)
        );
        var parts = cookie.Split("; ");
        Assert.Equal(["httponly", "path=/dashboard", "samesite=lax"], parts.Skip(1).Order());
        Assert.DoesNotContain(dashboard.KeyOfA[^20..], cookie);
        Assert.DoesNotContain(dashboard.KeyOfA[^20..], answer.Text + answer.Location);
    }

    [Fact]
    public async Task The_sign_in_form_uses_a_same_site_strict_antiforgery_cookie()
    {
        using var browser = dashboard.Open();
        var page = await browser.GetAsync("/dashboard/sign-in");
        var cookie = Assert.Single(page.Headers["Set-Cookie"].Split('\n'));
        Assert.StartsWith("scheduler-antiforgery=", cookie);
        Assert.Contains("; samesite=strict", cookie);
        Assert.Contains("; httponly", cookie);
    }

    [Theory]
    [InlineData("", "AUTH_MISSING_TOKEN")]
    [InlineData("sk-wrong", "AUTH_INVALID_TOKEN")]
    [InlineData("sk-ü\r\nX-Evil: 1", "AUTH_INVALID_TOKEN")]
    [InlineData("unknown", "AUTH_INVALID_TOKEN")]
    [InlineData("revoked", "AUTH_REVOKED_TOKEN")]
    public async Task A_refused_key_gets_a_page_with_the_failure_code(string key, string code)
    {
        using var browser = dashboard.Open();
        var shown = key switch
        {
            "unknown" => KeyAuthority.NewToken().Reveal(),
            "revoked" => await RevokedAsync(),
            _ => key,
        };

        var answer = await browser.TrySignInAsync(shown, "/dashboard/requests");

        Assert.Equal(302, answer.Status);
        Assert.Equal($"/dashboard/sign-in?refused={code}&return=%2Fdashboard%2Frequests", answer.Location);
        Assert.DoesNotContain("scheduler-session", answer.Headers.GetValueOrDefault("Set-Cookie", ""));
        var page = await browser.GetAsync(answer.Location);
        Assert.Equal(200, page.Status);
        Assert.Contains(code, page.Text);
        Assert.Contains("role=\"alert\"", page.Text);
        Assert.Contains("value=\"/dashboard/requests\"", page.Text);
    }

    [Theory]
    [InlineData("https://evil.example/")]
    [InlineData("//evil.example/")]
    [InlineData("/dashboard/\\evil.example")]
    [InlineData("/v1/accounts")]
    [InlineData("")]
    public async Task Sign_in_never_redirects_to_another_site(string back)
    {
        using var browser = dashboard.Open();
        Assert.Equal("/dashboard", (await browser.TrySignInAsync(dashboard.KeyOfA, back)).Location);
    }

    [Fact]
    public async Task Unknown_text_in_the_address_is_not_shown_on_the_page()
    {
        using var browser = dashboard.Open();
        var page = await browser.GetAsync(
            "/dashboard/sign-in?refused=%3Cscript%3Ealert(1)%3C/script%3E&return=%22%3E%3Cscript%3E"
        );
        Assert.Equal(200, page.Status);
        Assert.DoesNotContain("alert(1)", page.Text);
        Assert.DoesNotContain("\"><script>", page.Text);
    }

    [Fact]
    public async Task A_viewer_can_sign_in()
    {
        var key = await dashboard.KeyAsync(new("acct-a"), KeyRole.Viewer);
        using var browser = await dashboard.OpenAsync(key);
        Assert.Contains("Viewer:", (await browser.GetAsync(Browser.PlainPage)).Text);
    }

    [Fact]
    public async Task Sign_out_ends_the_session()
    {
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfA);
        var answer = await browser.PostAsync("/dashboard/sign-out");
        Assert.Equal((302, "/dashboard/sign-in"), (answer.Status, answer.Location));
        Assert.Equal(302, (await browser.GetAsync(Browser.PlainPage)).Status);
    }

    [Fact]
    public async Task A_revoked_key_ends_its_sessions_at_once()
    {
        var key = await dashboard.KeyAsync(new("acct-a"));
        using var browser = await dashboard.OpenAsync(key);
        using var other = await dashboard.OpenAsync(dashboard.KeyOfA);
        Assert.Equal(200, (await browser.GetAsync(Browser.PlainPage)).Status);

        // A revocation by this dashboard takes effect with the next request.
        var id = ApiFixture.KeyIdOf(key);
        var revoked = await other.PostAsync($"/dashboard/accounts/acct-a/keys/{id}/revoke");
        Assert.Contains(
            $"{id} is revoked",
            (await other.FollowAsync(revoked)).Text + (await other.GetAsync(Browser.PlainPage)).Text
        );

        var answer = await browser.GetAsync(Browser.PlainPage);
        Assert.Equal(302, answer.Status);
        Assert.Contains("/dashboard/sign-in", answer.Location);
        Assert.EndsWith("&refused=AUTH_REVOKED_TOKEN", answer.Location);
        Assert.Contains("scheduler-session=;", answer.Headers["Set-Cookie"]);
        Assert.Equal(200, (await other.GetAsync(Browser.PlainPage)).Status);
    }

    [Fact]
    public async Task A_key_revoked_elsewhere_ends_its_sessions_within_one_second()
    {
        var key = await dashboard.KeyAsync(new("acct-a"));
        using var browser = await dashboard.OpenAsync(key);
        await dashboard.RevokeAsync(key);
        dashboard.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(302, (await browser.GetAsync(Browser.PlainPage)).Status);
        var acted = await browser.PostWithAsync("x", "/dashboard/instances/i-aaaaaaaaaaaaaaaaaaaa/stop");
        Assert.Equal(302, acted.Status);
    }

    [Fact]
    public async Task An_idle_session_expires()
    {
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfA);
        dashboard.Clock.Advance(TimeSpan.FromHours(11));
        Assert.Equal(200, (await browser.GetAsync(Browser.PlainPage)).Status);
        dashboard.Clock.Advance(TimeSpan.FromHours(11));
        Assert.Equal(200, (await browser.GetAsync(Browser.PlainPage)).Status);
        dashboard.Clock.Advance(TimeSpan.FromHours(12) + TimeSpan.FromSeconds(1));
        Assert.Equal(302, (await browser.GetAsync(Browser.PlainPage)).Status);
    }

    private async Task<string> RevokedAsync()
    {
        var key = await dashboard.KeyAsync(null);
        await dashboard.RevokeAsync(key);
        return key;
    }
}
