using Xunit;

namespace Scheduler.UnitTests.Dashboard.Billing;

public sealed class AccountPageTests(DashboardFixture dashboard) : IClassFixture<DashboardFixture>
{
    [Fact]
    public async Task The_page_says_what_each_hold_is_for()
    {
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfA);
        var page = await browser.GetAsync("/dashboard/accounts/acct-a");
        Assert.Contains("run 3 of <a class=\"id\" href=\"/dashboard/instances/i-held\">i-held</a>", page.Text);
        Assert.Contains("is being launched", page.Text);
        Assert.Contains("/dashboard/requests/req-h", page.Text);
    }
}
