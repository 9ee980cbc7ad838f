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

    [Fact]
    public async Task A_secret_is_added_replaced_and_deleted_and_no_page_shows_its_value_INV_13()
    {
        const string path = "/dashboard/accounts/acct-a";
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfA);

        var added = await browser.FollowAsync(
            await browser.PostAsync($"{path}/secrets", ("name", "hub"), ("value", "planted-1"), ("return", path))
        );
        var rotated = await browser.FollowAsync(
            await browser.PostAsync(
                $"{path}/secrets/hub/rotate",
                ("value", "planted-2"),
                ("version", "1"),
                ("return", path)
            )
        );
        var refused = await browser.FollowAsync(
            await browser.PostAsync($"{path}/secrets", ("name", "No!"), ("value", "planted-3"), ("return", path))
        );
        var deleted = await browser.FollowAsync(
            await browser.PostAsync($"{path}/secrets/hub/delete", ("return", path))
        );

        Assert.Contains("The secret hub is stored", added.Text);
        Assert.Contains($"{path}/secrets/hub/rotate", added.Text);
        Assert.Contains("The secret hub has a new value", rotated.Text);
        Assert.Contains("beginning with a letter or digit", refused.Text);
        Assert.DoesNotContain($"{path}/secrets/hub/rotate", deleted.Text);
        Assert.All([added, rotated, refused, deleted], page => Assert.DoesNotContain("planted", page.Text));
    }
}
