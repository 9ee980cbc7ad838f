using Scheduler.Dashboard.Failures;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Failures;

public sealed class FailureWordsTests
{
    [Fact]
    public void Every_code_of_the_key_says_where_it_is_seen_and_no_launch_code_does()
    {
        Assert.All(
            FailureCatalogue.All.Where(definition => definition.Category == FailureCategory.Auth),
            definition => Assert.NotEmpty(definition.Code.AnsweredDirectly())
        );
        Assert.All(
            FailureCatalogue.All.Where(definition => definition.Category == FailureCategory.Launch),
            definition => Assert.Empty(definition.Code.AnsweredDirectly())
        );
    }

    [Fact]
    public void Every_definition_has_words()
    {
        foreach (var definition in FailureCatalogue.All)
        {
            Assert.NotEmpty(definition.Category.Title());
            Assert.NotEmpty(definition.Category.Meaning());
            Assert.NotEmpty(definition.Retry.Word());
        }
    }

    [Fact]
    public void An_account_is_led_to_its_own_page()
    {
        var source = new CaseSource("", "", CaseSource.Accounts);
        Assert.Equal("/dashboard/accounts/acct-a", source.PathFor(new AccountId("acct-a")));
        Assert.Equal("/dashboard/accounts", source.PathFor(null));
    }
}
