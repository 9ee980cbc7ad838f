using Xunit;

namespace Scheduler.UnitTests.Dashboard.SignIn;

public sealed class SignInLimitTests : IAsyncLifetime
{
    private readonly DashboardFixture _dashboard = new()
    {
        Settings = new Dictionary<string, string>
        {
            ["UnknownPerSecondPerAddress"] = "1",
            ["UnknownBurstPerAddress"] = "3",
            ["MaxWindowsPerKey"] = "2",
        },
    };

    public ValueTask InitializeAsync() => _dashboard.InitializeAsync();

    public ValueTask DisposeAsync() => _dashboard.DisposeAsync();

    [Fact]
    public async Task Too_many_wrong_keys_give_a_retry_page_without_a_grain_call()
    {
        using var browser = _dashboard.Open();
        var token = await browser.TokenAsync();
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(302, (await TryAsync("sk-wrong")).Status);
        }

        var known = _dashboard.Cluster.Calls.Count;
        var refused = await TryAsync(_dashboard.KeyOfA);
        Assert.Equal(429, refused.Status);
        Assert.Equal("1", refused.Headers["Retry-After"]);
        Assert.StartsWith("text/html", refused.Headers["Content-Type"]);
        Assert.Contains("Too many requests", refused.Text);
        Assert.Contains("Try again after 1 s", refused.Text);
        Assert.Contains(refused.RequestId, refused.Text);
        Assert.DoesNotContain("scheduler-session", refused.Headers.GetValueOrDefault("Set-Cookie", ""));
        Assert.Equal(known, _dashboard.Cluster.Calls.Count);

        _dashboard.Clock.Advance(TimeSpan.FromSeconds(1));
        var welcome = await TryAsync(_dashboard.KeyOfA);
        Assert.Equal((302, "/dashboard"), (welcome.Status, welcome.Location));

        Task<Browser.Answer> TryAsync(string key) =>
            browser.PostWithAsync(token, "/dashboard/session", ("key", key), ("return", "/dashboard"));
    }

    [Fact]
    public async Task Streams_over_the_limit_of_a_key_are_refused_with_a_page()
    {
        using var browser = await _dashboard.OpenAsync(_dashboard.KeyOfA);
        using var first = await browser.ListenAsync();
        using var second = await browser.ListenAsync();
        var third = await browser.GetAsync("/dashboard/live");
        Assert.Equal(429, third.Status);
        Assert.Contains("2 streams", third.Text);

        using var other = await _dashboard.OpenAsync(_dashboard.KeyOfB);
        Assert.Equal(200, (await other.GetAsync("/dashboard/live")).Status);
    }
}
