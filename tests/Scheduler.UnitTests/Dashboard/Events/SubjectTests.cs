using Scheduler.Dashboard.Events;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Events;

public sealed class SubjectTests
{
    private static readonly AccountId Account = new("acct-a");

    [Theory]
    [InlineData("instance", "i-aaaa", "instance", "i-aaaa", "/dashboard/instances/i-aaaa")]
    [InlineData("schedules", "schedules-i-aaaa", "schedules of", "i-aaaa", "/dashboard/instances/i-aaaa")]
    [InlineData("account", "acct-a", "account", "acct-a", "/dashboard/accounts/acct-a")]
    [InlineData("key", "key-a", "key", "key-a", "/dashboard/accounts/acct-a")]
    [InlineData("model", "model-acct-a/my/model", "model", "my/model", null)]
    [InlineData("balancer", "bal-a", "balancer", "bal-a", "/dashboard/balancers/bal-a")]
    [InlineData("firewall", "firewall-acct-a/strict", "firewall", "strict", "/dashboard/firewalls/acct-a/strict")]
    [InlineData("rule", "rule-acct-a/pii", "firewall rule", "pii", "/dashboard/firewalls/rules?account=acct-a")]
    [InlineData("provider", "provider-sim", "provider", "sim", "/dashboard/providers/sim")]
    [InlineData("later", "x", "later", "x", null)]
    public void A_subject_has_a_readable_name_and_links_to_its_page(
        string kind,
        string id,
        string word,
        string name,
        string? path
    ) => Assert.Equal(new Subject(word, name, path), Subject.Of(new EventSubject(kind, id, Account)));

    [Fact]
    public void An_operator_key_has_no_page() => Assert.Null(Subject.Of(new EventSubject("key", "key-op", null)).Path);
}
