using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Ids;
using Scheduler.Grains.Queries;
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
    [InlineData("i-abcdefghijklmnopqrst-r2-a1", "/dashboard/instances/i-abcdefghijklmnopqrst")]
    [InlineData("NONE", null)]
    [InlineData("llama 3&x=1", null)]
    [InlineData("i-SHORT", null)]
    [InlineData("providers/sim-verda", null)]
    [InlineData("", "/dashboard/instances")]
    [InlineData(null, "/dashboard/instances")]
    public void A_text_whose_form_decides_leads_to_its_page(string? text, string? path) =>
        Assert.Equal(path, Finding.PathOf(text));

    [Theory]
    [InlineData("req-abc", "/dashboard/requests/req-abc")]
    [InlineData("my own id", "/dashboard/requests/my%20own%20id")]
    [InlineData("https://evil.example/", "/dashboard/requests/https%3A%2F%2Fevil.example%2F")]
    [InlineData(" ", "/dashboard/requests")]
    public void A_text_searched_as_a_request_is_used_as_a_request_id(string text, string path) =>
        Assert.Equal(path, Finding.PathOf(text, isRequest: true));

    [Fact]
    public void The_only_exact_hit_or_the_only_hit_opens_its_page_and_others_are_listed()
    {
        var chat = new SearchHit(SearchKind.Instance, "i-a", "chat", new AccountId("acct-a"), IsExact: true);
        var longer = chat with { Id = "i-b", Name = "chat-2", IsExact = false };
        var region = new SearchHit(SearchKind.Region, "eu & north", "eu & north", null, IsExact: false);

        Assert.Equal("/dashboard/instances/i-a", Finding.Best("chat", [longer, chat, region]));
        Assert.Equal("/dashboard/instances/i-b", Finding.Best("hat-2", [longer]));
        Assert.Equal("/dashboard/offers?region=eu%20%26%20north", Finding.Best("eu", [region]));
        Assert.Equal("/dashboard/instances?q=hat", Finding.Best("hat", [chat with { IsExact = false }, longer]));
        Assert.Equal("/dashboard/search?q=a%26b", Finding.Best("a&b", [longer, region]));
        Assert.Equal("/dashboard/search?q=x", Finding.Best("x", []));
    }
}
