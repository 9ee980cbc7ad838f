using System.Net;
using Xunit;

namespace Scheduler.UnitTests.Api;

public sealed class AllowedHostsTests
{
    [Theory]
    [InlineData("/v1/failures", "scheduler.example", HttpStatusCode.OK)]
    [InlineData("/v1/failures", "SCHEDULER.example:8080", HttpStatusCode.OK)]
    [InlineData("/v1/failures", "eu.pages.example", HttpStatusCode.OK)]
    [InlineData("/v1/failures", "pages.example", HttpStatusCode.BadRequest)]
    [InlineData("/v1/failures", "evil.com", HttpStatusCode.BadRequest)]
    [InlineData("/v1/failures", "scheduler.example.evil.com", HttpStatusCode.BadRequest)]
    [InlineData("/v1/failures", "evilpages.example", HttpStatusCode.BadRequest)]
    [InlineData("/livez", "10.0.0.7", HttpStatusCode.OK)]
    public async Task Only_the_hosts_of_the_settings_are_served_except_to_probes(
        string path,
        string host,
        HttpStatusCode status
    )
    {
        await using var api = new ApiFixture { AllowedHosts = ["scheduler.example", "*.pages.example"] };
        await api.InitializeAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Host = host;

        using var answer = await api.Http.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(status, answer.StatusCode);
        Assert.True(answer.Headers.Contains("X-Request-Id"));
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.DoesNotContain("evil", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_host_is_served_without_the_setting()
    {
        await using var api = new ApiFixture();
        await api.InitializeAsync();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/failures");
        request.Headers.Host = "any.example";
        using var answer = await api.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }
}
