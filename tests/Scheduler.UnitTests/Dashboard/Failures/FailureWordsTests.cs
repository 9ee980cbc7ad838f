using Scheduler.Dashboard.Failures;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Failures;

public sealed class FailureWordsTests
{
    [Fact]
    public void Auth_codes_say_where_they_are_answered_and_launch_codes_do_not()
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
    public void Every_failure_definition_has_texts()
    {
        foreach (var definition in FailureCatalogue.All)
        {
            Assert.NotEmpty(definition.Category.Title());
            Assert.NotEmpty(definition.Category.Meaning());
            Assert.NotEmpty(definition.Retry.Word());
        }
    }

    [Fact]
    public void The_link_of_an_account_leads_to_its_own_page()
    {
        var source = new CaseSource("", "", CaseSource.Accounts);
        Assert.Equal("/dashboard/accounts/acct-a", source.PathFor(new AccountId("acct-a")));
        Assert.Equal("/dashboard/accounts", source.PathFor(null));
    }
}
