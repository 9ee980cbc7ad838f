using Xunit;

namespace Scheduler.UnitTests.Dashboard.SignIn;

public sealed class TlsTests : IAsyncLifetime
{
    private readonly DashboardFixture _dashboard = new() { HasTls = true };

    public ValueTask InitializeAsync() => _dashboard.InitializeAsync();

    public ValueTask DisposeAsync() => _dashboard.DisposeAsync();

    [Fact]
    public async Task Over_TLS_every_cookie_is_secure()
    {
        using var browser = _dashboard.Open();
        var shown = await browser.GetAsync("/dashboard/sign-in");
        var signedIn = await browser.TrySignInAsync(_dashboard.KeyOfA);
        Assert.Equal((302, "/dashboard"), (signedIn.Status, signedIn.Location));
        var acted = await browser.PostAsync($"/dashboard/instances/{_dashboard.OfA.Instance}/stop");
        Assert.Equal(303, acted.Status);

        var cookies = new[] { shown, signedIn, acted }.SelectMany(answer => answer.Headers["Set-Cookie"].Split('\n'));
        Assert.Equal(
            ["scheduler-antiforgery", "scheduler-notice", "scheduler-session"],
            cookies.Select(cookie => cookie.Split('=')[0]).Distinct().Order()
        );
        Assert.All(cookies, cookie => Assert.Contains("; secure", cookie));
    }
}
