using Microsoft.Playwright;
using Scheduler.Api.V1;
using Scheduler.BrowserTests.Pages;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.BrowserTests.Changes;

/// <summary>The README's promise: each failed launch of the demo has a button that repairs it, and it is the first.</summary>
public sealed class DemoRepairTests(Browser browser) : PageTest(browser)
{
    private const string Told = "Stop with Ctrl-C;";

    private static readonly string[] Failed = ["timeout", "oom", "too-big", "no-match", "no-money"];

    private SchedulerProcess _demo = null!;

    public override async ValueTask InitializeAsync()
    {
        _demo = new SchedulerProcess { Command = "demo" };
        await _demo.StartAsync(Ct);
        await Eventually.TrueAsync(() => _demo.Lines.Any(line => line.Contains(Told)), "the demo is told");
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _demo.DisposeAsync();
    }

    [Fact]
    public async Task The_first_button_of_every_failed_launch_of_the_demo_repairs_it()
    {
        var api = new OperatorApi(_demo);
        var state = await SignedIn.StateAsync(Browser, _demo.Http, _demo.Token);
        var (page, _) = await OpenAsync(_demo.Http, new() { StorageState = state });
        var instances = await api.InstancesAsync("state = \"FAILED\"");
        Assert.Equal(Failed.Order(), instances.Select(instance => instance.ServingName).Order());

        foreach (var instance in instances)
        {
            await page.GotoAsync($"/dashboard/instances/{instance.Name.Split('/')[^1]}");
            var first = page.Locator("main .remedies details.remedy").First;
            var title = await first.Locator("summary").InnerTextAsync();
            await first.Locator("summary").ClickAsync();
            await first.GetByRole(AriaRole.Button).ClickAsync();

            await page.ExpectNoticeAsync($"The start of {instance.ServingName} was accepted");
            await Assertions.Expect(page.Locator("h1 + .state")).ToHaveTextAsync("running");
            var now = await api.InstanceAsync(instance.Name);
            Assert.True(now.State == InstanceState.Running, $"{instance.ServingName} is {now.State} after '{title}'");
        }

        await TheRepairedAccountIsNotRedAsync(page, api, instances.Single(one => one.ServingName == "no-money"));
    }

    /// <summary>The proposed top-up pays for more than the launch.</summary>
    private static async Task TheRepairedAccountIsNotRedAsync(IPage page, OperatorApi api, Instance instance)
    {
        var account = instance.Name[..instance.Name.IndexOf("/instances/", StringComparison.Ordinal)];
        await page.GotoAsync($"/dashboard/{account}");
        await Assertions.Expect(page.Locator("main h1")).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator("main .notice.bad")).ToHaveCountAsync(0);
        Assert.True((await api.AccountAsync(account)).AvailableMicroEur >= 1_000_000);
    }
}
