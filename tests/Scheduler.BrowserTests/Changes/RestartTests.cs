using System.Net;
using System.Net.Sockets;
using Microsoft.Playwright;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.BrowserTests.Changes;

/// <summary>The scheduler is killed and restarted while a page is open: the page and its session continue.</summary>
public sealed class RestartTests(Browser browser) : PageTest(browser)
{
    private SchedulerProcess _process = null!;

    public override async ValueTask InitializeAsync()
    {
        _process = new SchedulerProcess(null, [.. SchedulerProcess.ZeroDelay, $"--Host:HttpPort={FreePort()}"]);
        await _process.StartAsync(Ct);
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        await _process.DisposeAsync();
    }

    [Fact]
    public async Task After_a_kill_and_a_start_the_open_page_continues_by_itself()
    {
        var api = new OperatorApi(_process);
        await api.Accounts.CreateAccountAsync(
            new CreateAccountRequest { AccountId = "acct-one" },
            cancellationToken: Ct
        );
        var top = new TopUpAccountRequest
        {
            Name = "accounts/acct-one",
            AmountMicroEur = 100_000_000,
            Reference = "payment-1",
        };
        await api.Accounts.TopUpAccountAsync(top, cancellationToken: Ct);
        var spec = new LaunchSpec
        {
            Model = Troubles.Small,
            ContextTokens = 4096,
            Constraints = new SmartConstraints(),
        };
        var name = await api.CreateAsync("accounts/acct-one", "survivor", spec);
        var site = _process.Http;
        var state = await SignedIn.StateAsync(Browser, site, _process.Token);
        var (page, guard) = await OpenAsync(site, new() { StorageState = state });
        // The stream breaks, and the page reconnects until the server answers.
        guard.Expect("/dashboard/live");
        await page.GotoAsync($"/dashboard/instances/{name.Split('/')[^1]}");
        await page.EvaluateAsync("() => { window.stayed = true; }");
        await api.StartAsync(name);
        await Assertions.Expect(page.Locator("h1 + .state")).ToHaveTextAsync("running");

        await _process.KillAsync();
        await Assertions.Expect(page.Locator("h1 + .state")).ToHaveTextAsync("running");
        await _process.StartAsync(Ct);
        Assert.Equal(site, _process.Http);

        // Changes before the page has reconnected are shown too.
        api = new OperatorApi(_process);
        await api.StopAsync(name);
        await Assertions.Expect(page.Locator("h1 + .state")).ToHaveTextAsync("stopped");
        Assert.True(await page.EvaluateAsync<bool>("() => window.stayed"));
        await Assertions.Expect(page.Locator(".notice.bad")).ToHaveCountAsync(0);
        await page.GotoAsync("/dashboard/instances");
        await Assertions.Expect(page.GetByRole(AriaRole.Link, new() { Name = "survivor" })).ToBeVisibleAsync();
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
