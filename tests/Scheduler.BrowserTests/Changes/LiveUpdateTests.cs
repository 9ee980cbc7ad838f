using Microsoft.Playwright;
using Scheduler.Api.V1;
using Scheduler.BrowserTests.Pages;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.BrowserTests.Changes;

/// <summary>Pages show changes by themselves, but do not change while their reader edits.</summary>
[Collection(ChangingGroup.Name)]
public sealed class LiveUpdateTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    // Counts the change notifications that the browser page received, and the reloads of the page content.
    private const string Counting = """
        window.news = 0;
        window.EventSource = class extends EventSource {
            constructor(...of) { super(...of); this.addEventListener('new', () => window.news++); }
        };
        window.loads = 0;
        document.addEventListener('DOMContentLoaded', () => Blazor.addEventListener('enhancedload', () => window.loads++));
        """;

    private static LaunchSpec Healthy => Troubles.On(Troubles.Small, "sim-lambda");

    [Fact]
    public async Task Fleet_list_and_instance_pages_follow_changes_made_over_the_API()
    {
        var name = await Api.CreateAsync(Scheduler.OtherAccount, "followed", Healthy);
        var fleet = (await OpenAsync(Scheduler.OtherKey, "/dashboard")).Page;
        var list = (await OpenAsync(Scheduler.OtherKey, "/dashboard/instances")).Page;
        var instance = (await OpenAsync(Scheduler.OtherKey, PathOf(name))).Page;
        IPage[] all = [fleet, list, instance];
        foreach (var page in all)
        {
            await page.EvaluateAsync("() => { window.stayed = true; }");
        }

        var running = fleet.Locator("a.tile[href$='state=running'] strong");
        var before = int.Parse((await running.TextContentAsync())!, System.Globalization.CultureInfo.InvariantCulture);
        var row = list.Locator("main tbody tr").Filter(new() { HasText = "followed" }).Locator(".state");
        await Assertions.Expect(row).ToHaveTextAsync("stopped");

        await Api.StartAsync(name);

        await Assertions.Expect(instance.Locator("h1 + .state")).ToHaveTextAsync("running");
        await Assertions.Expect(row).ToHaveTextAsync("running");
        await Assertions.Expect(running).ToHaveTextAsync($"{before + 1}");
        await Api.StopAsync(name);
        await Assertions.Expect(instance.Locator("h1 + .state")).ToHaveTextAsync("stopped");
        await Assertions.Expect(row).ToHaveTextAsync("stopped");
        await Assertions.Expect(running).ToHaveTextAsync($"{before}");
        foreach (var page in all)
        {
            Assert.True(await page.EvaluateAsync<bool>("() => window.stayed"));
        }
    }

    [Fact]
    public async Task A_page_pauses_while_a_remedy_is_open_and_updates_when_it_closes()
    {
        var name = await Api.CreateAsync(Scheduler.OtherAccount, "considered", Healthy);
        var page = await StillAsync(PathOf(name));
        var ask = await page.OpenAskAsync("Start");

        await Api.StartAsync(name);
        await Api.UntilAsync(name, InstanceState.Running);

        await ToldButStillAsync(page, "stopped");
        await Assertions.Expect(ask.GetByRole(AriaRole.Button)).ToBeVisibleAsync();
        await ask.Locator("summary").ClickAsync();
        await page.Clock.RunForAsync(5000);
        await Assertions.Expect(page.Locator("h1 + .state")).ToHaveTextAsync("running");
    }

    [Fact]
    public async Task A_page_pauses_while_a_field_is_edited_and_updates_afterwards()
    {
        var name = await Api.CreateAsync(Scheduler.OtherAccount, "filtered", Healthy);
        var page = await StillAsync($"/dashboard/instances?q={IdOf(name)}");
        await page.GetByLabel("Region").PressSequentiallyAsync("us-");

        await Api.StartAsync(name);
        await Api.UntilAsync(name, InstanceState.Running);

        await ToldButStillAsync(page, "stopped");
        await Assertions.Expect(page.GetByLabel("Region")).ToHaveValueAsync("us-");
        await page.GetByLabel("Region").EvaluateAsync("field => field.blur()");
        await page.Clock.RunForAsync(5000);
        await Assertions.Expect(page.Locator("main .state")).ToHaveTextAsync("running");
        await Assertions.Expect(page.GetByLabel("Region")).ToHaveValueAsync("us-");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter", Exact = true }).ClickAsync();
        await Assertions.Expect(page.GetByText("No instance matches these filters.")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Clear" }).ClickAsync();
        await Assertions.Expect(page.GetByLabel("Region")).ToHaveValueAsync("");
    }

    [Fact]
    public async Task A_page_pauses_while_a_section_is_open_and_keeps_its_position()
    {
        var name = await Api.CreateAsync(Scheduler.OtherAccount, "read", Healthy);
        var page = await StillAsync($"{PathOf(name)}#timeline");
        await page.Locator(".who summary").ClickAsync();

        await Api.StartAsync(name);
        await Api.UntilAsync(name, InstanceState.Running);

        await ToldButStillAsync(page, "stopped");
        await Assertions.Expect(page.GetByRole(AriaRole.Button, new() { Name = "Sign out" })).ToBeVisibleAsync();
        await page.Locator(".who summary").ClickAsync();
        await page.EvaluateAsync("() => scrollTo(0, 0)");
        await page.Clock.RunForAsync(5000);
        await Assertions.Expect(page.Locator("h1 + .state")).ToHaveTextAsync("running");
        Assert.Equal(0, await page.EvaluateAsync<int>("() => scrollY"));
    }

    /// <summary>Opens a page whose timers run only when the test advances them.</summary>
    private async Task<IPage> StillAsync(string path)
    {
        var (page, _) = await OpenAsync(Scheduler.OtherKey, "/dashboard/requests");
        await page.AddInitScriptAsync(Counting);
        await page.Clock.InstallAsync();
        await page.GotoAsync(path);
        // One load for events before its stream was connected.
        await CountAsync(page, "loads");
        await page.EvaluateAsync("() => { window.news = 0; }");
        return page;
    }

    private static async Task CountAsync(IPage page, string what) =>
        await Eventually.UntilAsync(
            () => page.EvaluateAsync<int>($"() => window.{what}"),
            count => count > 0,
            $"the page counts {what}"
        );

    /// <summary>The page received a notification, all its timers ran, and its contents are unchanged.</summary>
    private static async Task ToldButStillAsync(IPage page, string state)
    {
        await CountAsync(page, "news");
        var asked = 0;
        page.Request += (_, request) => asked += request.Url == page.Url ? 1 : 0;
        await page.Clock.RunForAsync(20_000);
        await page.EvaluateAsync("() => 0");
        Assert.Equal(0, asked);
        await Assertions.Expect(page.Locator("main .state").First).ToHaveTextAsync(state);
    }
}
