using Scheduler.Dashboard.Shell;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Shell;

public sealed class FindingTests
{
    [Theory]
    [InlineData("i-abcdefghijklmnopqrst", "/dashboard/instances/i-abcdefghijklmnopqrst")]
    [InlineData(" \"i-abcdefghijklmnopqrst\", ", "/dashboard/instances/i-abcdefghijklmnopqrst")]
    [InlineData("accounts/acct-a/instances/i-abcdefghijklmnopqrst", "/dashboard/instances/i-abcdefghijklmnopqrst")]
    [InlineData("bal-abcdefghijklmnopqrst", "/dashboard/balancers/bal-abcdefghijklmnopqrst")]
    [InlineData("acct-demo", "/dashboard/accounts/acct-demo")]
    [InlineData("accounts/acct-demo", "/dashboard/accounts/acct-demo")]
    [InlineData("req-abc", "/dashboard/requests/req-abc")]
    [InlineData("X-Request-Id: req-abc", "/dashboard/requests/req-abc")]
    [InlineData("\"request_id\": \"req-abc\"", "/dashboard/requests/req-abc")]
    [InlineData("OOM_KILLED", "/dashboard/failures/OOM_KILLED")]
    [InlineData("oom_killed", "/dashboard/failures/OOM_KILLED")]
    [InlineData("NONE", "/dashboard/instances?q=NONE")]
    [InlineData("llama 3&x=1", "/dashboard/instances?q=llama%203%26x%3D1")]
    [InlineData("i-SHORT", "/dashboard/instances?q=i-SHORT")]
    [InlineData("", "/dashboard/instances")]
    [InlineData(null, "/dashboard/instances")]
    public void A_search_text_resolves_to_its_page(string? text, string path) =>
        Assert.Equal(path, Finding.PathOf(text));

    [Theory]
    [InlineData("req-abc", "/dashboard/requests/req-abc")]
    [InlineData("my own id", "/dashboard/requests/my%20own%20id")]
    [InlineData("https://evil.example/", "/dashboard/requests/https%3A%2F%2Fevil.example%2F")]
    [InlineData(" ", "/dashboard/requests")]
    public void A_text_searched_as_a_request_is_used_as_a_request_id(string text, string path) =>
        Assert.Equal(path, Finding.PathOf(text, isRequest: true));
}
