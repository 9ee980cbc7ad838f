using Microsoft.Playwright;
using Scheduler.Api.V1;
using Scheduler.BrowserTests.Pages;
using Xunit;

namespace Scheduler.BrowserTests.Changes;

/// <summary>An action is accepted only from a page of the same session, and never from a viewer.</summary>
[Collection(ChangingGroup.Name)]
public sealed class ForgeryTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    private const string Token = "__RequestVerificationToken";

    [Theory]
    [InlineData("missing")]
    [InlineData("another session's")]
    [InlineData("made up")]
    public async Task A_form_without_its_token_is_refused(string kind)
    {
        var before = await Api.InstanceAsync(Scheduler.Running);
        var page = await AccountAsync(PathOf(Scheduler.Running));
        var form = await page.FormAsync("/stop");
        var (others, _) = await OpenAsync(Scheduler.OtherKey, "/dashboard");
        form[Token] = kind switch
        {
            "missing" => "",
            "made up" => "CfDJ8NothingOfThisSort",
            _ => (await others.FormAsync("/sign-out"))[Token],
        };
        if (kind == "missing")
        {
            form.Remove(Token);
        }

        foreach (
            var path in new[]
            {
                $"{PathOf(Scheduler.Running)}/stop",
                "/dashboard/launch/explain",
                "/dashboard/sign-out",
            }
        )
        {
            await using var answer = await page.PostAsync(path, form);
            Assert.Equal(400, answer.Status);
            Assert.Contains("did not come from a page of this dashboard", await answer.TextAsync());
        }

        Assert.Equal(before.Generation, (await Api.InstanceAsync(Scheduler.Running)).Generation);
        await page.ReloadAsync();
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("chat");
    }

    [Fact]
    public async Task A_form_without_a_session_leads_to_the_sign_in_page()
    {
        var (page, _) = await OpenAsync(Scheduler.Site);
        await page.GotoAsync("/dashboard/sign-in");

        await using var answer = await page.PostAsync(
            $"{PathOf(Scheduler.Running)}/stop",
            await page.FormAsync("/session")
        );

        Assert.Equal(302, answer.Status);
        Assert.StartsWith(
            "/dashboard/sign-in",
            new Uri(new Uri(Scheduler.Site, "/"), answer.Headers["location"]).AbsolutePath
        );
    }

    [Theory]
    [InlineData("instances/RUNNING/stop")]
    [InlineData("instances/FAILED/remedies/start-again")]
    [InlineData("instances/FAILED/delete")]
    [InlineData("accounts/acct-main/keys")]
    [InlineData("accounts/acct-main/top-up")]
    [InlineData("providers/sim-lambda/drain")]
    [InlineData("launch/create")]
    [InlineData("start-named")]
    public async Task A_form_from_a_viewer_is_refused_and_changes_nothing(string action)
    {
        var before = await Api.InstancesAsync();
        var (_, key) = await Api.KeyAsync(Scheduler.Account, KeyRole.Viewer);
        var (page, _) = await OpenAsync(key, PathOf(Scheduler.Running));
        await Assertions.Expect(page.Locator("main form[method=post]")).ToHaveCountAsync(0);
        var form = await page.FormAsync("/sign-out");
        form["return"] = "/dashboard/requests";

        var path = action
            .Replace("RUNNING", IdOf(Scheduler.Running), StringComparison.Ordinal)
            .Replace("FAILED", IdOf(Scheduler.Failed["RUNTIME_EXITED"]), StringComparison.Ordinal);
        await using var answer = await page.PostAsync($"/dashboard/{path}", form);

        Assert.Equal(303, answer.Status);
        await page.GotoAsync(answer.Headers["location"]);
        await page.ExpectRefusalAsync("PERMISSION_DENIED");
        await Assertions.Expect(page.Locator("main .notices > .notice.bad")).ToContainTextAsync("is a viewer's");
        Assert.Equal(
            before.Select(instance => (instance.Name, instance.Generation)),
            (await Api.InstancesAsync()).Select(instance => (instance.Name, instance.Generation))
        );
    }
}
