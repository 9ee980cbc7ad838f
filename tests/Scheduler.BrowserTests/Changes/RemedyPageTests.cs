using Microsoft.Playwright;
using Scheduler.Api.V1;
using Scheduler.BrowserTests.Pages;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.BrowserTests.Changes;

/// <summary>
/// The first remedy of a failure: its changes are shown before the confirmation, and the instance runs afterwards.
/// </summary>
[Collection(ChangingGroup.Name)]
public sealed class RemedyPageTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    [Theory]
    [InlineData("SMART_NO_MATCH", 0, "max price")]
    [InlineData("GPU_INCOMPATIBLE", 0, "GPU type")]
    // This route is set to run out of memory with any context; the second remedy avoids it.
    [InlineData("OOM_KILLED", 1, "GPU count")]
    [InlineData("BILLING_BELOW_MINIMUM", 0, null)]
    [InlineData("PROVIDER_TIMEOUT", 0, "providers")]
    public async Task A_remedy_leads_to_a_running_instance_on_the_open_page(string code, int place, string? field)
    {
        var name = Scheduler.Failed[code];
        var before = await Api.InstanceAsync(name);
        var page = await OperatorAsync(PathOf(name));
        await page.EvaluateAsync("() => { window.stayed = true; }");
        var remedy = page.Locator("main .remedies details.remedy").Nth(place);

        await remedy.Locator("summary").ClickAsync();
        if (field is not null)
        {
            var change = remedy.Locator("tbody tr").First;
            await Assertions.Expect(change.Locator("th")).ToHaveTextAsync(field, new() { IgnoreCase = true });
            await Assertions.Expect(change.Locator("td strong")).ToBeVisibleAsync();
        }
        else
        {
            await Assertions.Expect(remedy).ToContainTextAsync("The launch needs at least ");
            await remedy.GetByLabel("Amount, EUR").FillAsync("0.01");
            await remedy.GetByRole(AriaRole.Button).ClickAsync();
            await page.ExpectRefusalAsync("the launch needs ");
            await remedy.Locator("summary").ClickAsync();
            await remedy.GetByLabel("Amount, EUR").FillAsync("50.5");
        }

        Assert.Equal(before.Generation, (await Api.InstanceAsync(name)).Generation);
        await remedy.GetByRole(AriaRole.Button).ClickAsync();

        var request = await page.ExpectNoticeAsync($"The start of {before.ServingName} was accepted");
        await page.EvaluateAsync("() => { window.stayed = true; }");
        await Assertions.Expect(page.Locator("h1 + .state")).ToHaveTextAsync("running");
        Assert.True(await page.EvaluateAsync<bool>("() => window.stayed"));
        await Assertions.Expect(page.Locator("section.notice.bad")).ToHaveCountAsync(0);
        Assert.Equal(InstanceState.Running, (await Api.InstanceAsync(name)).State);
        var events = await Api.EventsAsync(request);
        Assert.Contains(events, happened => happened.Trigger == "Start");
        Assert.StartsWith("key:key-", events[0].Actor);
    }

    [Fact]
    public async Task A_notice_of_success_goes_away_when_the_instance_fails_after_it()
    {
        var spec = Troubles.All["PROVIDER_TIMEOUT"].Spec.Clone();
        var page = await OperatorAsync(PathOf(await Api.CreateAsync(Scheduler.Account, "fails-later", spec)));

        await page.DoAsync("Start", "The start of fails-later was accepted");

        await Assertions.Expect(page.Locator("h1 + .state")).ToHaveTextAsync("failed");
        await Assertions.Expect(page.Locator("main .notices > .notice")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_remedy_for_an_instance_that_has_changed_is_refused()
    {
        var name = Scheduler.Failed["PROVIDER_REJECTED"];
        var page = await OperatorAsync(PathOf(name));
        var remedy = page.Locator("main .remedies details.remedy").First;
        await remedy.Locator("summary").ClickAsync();
        await Api.StopAsync(name);
        var stopped = await Api.InstanceAsync(name);

        await remedy.GetByRole(AriaRole.Button).ClickAsync();

        await page.ExpectRefusalAsync("has changed since the page was loaded");
        Assert.Equal(stopped.Generation, (await Api.InstanceAsync(name)).Generation);
    }
}
