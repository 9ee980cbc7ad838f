using Xunit;

namespace Scheduler.UnitTests.Dashboard.Requests;

public sealed class RequestPageTests(DashboardFixture dashboard) : IClassFixture<DashboardFixture>
{
    [Fact]
    public async Task A_refused_form_is_shown_to_its_own_account_and_to_operators_INV_08()
    {
        using var own = await dashboard.OpenAsync(dashboard.KeyOfA);
        var refused = await own.PostAsync(
            $"/dashboard/instances/{dashboard.Missing.Instance}/stop",
            [.. dashboard.Missing.Fields, ("return", "/dashboard")]
        );
        Assert.Equal(303, refused.Status);

        foreach (var key in new[] { dashboard.KeyOfA, dashboard.Operator })
        {
            using var browser = await dashboard.OpenAsync(key);
            var page = await browser.GetAsync($"/dashboard/requests/{refused.RequestId}");
            Assert.Contains("NOT_FOUND", page.Text, StringComparison.Ordinal);
            Assert.Contains("POST /dashboard/instances/{", page.Text, StringComparison.Ordinal);
            Assert.Contains(
                refused.RequestId,
                (await browser.GetAsync("/dashboard/requests")).Text,
                StringComparison.Ordinal
            );
            Assert.Contains(
                "\"code\": \"NOT_FOUND\"",
                (await browser.GetAsync($"/dashboard/requests/{refused.RequestId}/bundle")).Text,
                StringComparison.Ordinal
            );
        }

        using var other = await dashboard.OpenAsync(dashboard.KeyOfB);
        Assert.Contains(
            "Nothing is recorded",
            (await other.GetAsync($"/dashboard/requests/{refused.RequestId}")).Text,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain(
            refused.RequestId,
            (await other.GetAsync("/dashboard/requests")).Text,
            StringComparison.Ordinal
        );
        Assert.Equal(404, (await other.GetAsync($"/dashboard/requests/{refused.RequestId}/bundle")).Status);
    }
}
