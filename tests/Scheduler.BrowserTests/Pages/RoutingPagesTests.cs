using Microsoft.Playwright;
using Xunit;

namespace Scheduler.BrowserTests.Pages;

/// <summary>Balancers and firewalls: destinations, rules and evaluations.</summary>
[Collection(DashboardGroup.Name)]
public sealed class RoutingPagesTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    private string FirewallPath => $"/dashboard/firewalls/{IdOf(Scheduler.Account)}/{IdOf(Scheduler.Firewall)}";

    [Fact]
    public async Task A_balancer_page_shows_which_destination_is_ejected_and_why()
    {
        await Scheduler.RouteAsync();
        var page = await AccountAsync("/dashboard/balancers");
        var row = page.Locator("tbody tr");
        await Assertions.Expect(row).ToContainTextAsync("1 of 2");

        await row.GetByRole(AriaRole.Link, new() { Name = "front" }).ClickAsync();

        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("front");
        var destinations = page.GetByRole(AriaRole.Region, new() { Name = "Destinations by gateway" });
        var alive = destinations.Locator("tbody tr").Filter(new() { HasText = "chat" });
        var dead = destinations.Locator("tbody tr").Filter(new() { HasText = "runtime-exited" });
        await Assertions.Expect(alive).ToContainTextAsync("running");
        await Assertions.Expect(alive).ToContainTextAsync("healthy");
        await Assertions.Expect(dead).ToContainTextAsync("RUNTIME_EXITED");
        await Assertions.Expect(page.Ask("Start runtime-exited")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("group pair")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_firewall_is_listed_with_its_judge()
    {
        var page = await AccountAsync("/dashboard/firewalls");

        var row = page.Locator("tbody tr");
        await Assertions.Expect(row).ToContainTextAsync("block");
        await Assertions
            .Expect(row.GetByRole(AriaRole.Link, new() { Name = "judge" }))
            .ToHaveAttributeAsync("href", PathOf(Scheduler.Judge));
        await row.GetByRole(AriaRole.Link, new() { Name = "strict" }).ClickAsync();
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("Strict");
    }

    [Fact]
    public async Task A_firewall_page_shows_the_result_of_each_rule()
    {
        var page = await OperatorAsync(FirewallPath);

        var rules = page.GetByRole(AriaRole.Region, new() { Name = "Rules in order" });
        await Assertions
            .Expect(rules.Locator("tbody tr").Filter(new() { HasText = "no-secrets" }))
            .ToContainTextAsync("Is it about what must not be told?");
        var evaluations = page.GetByRole(AriaRole.Region, new() { Name = "Evaluations, newest first" });
        var blocked = evaluations.Locator("tbody tr").Filter(new() { HasText = "FIREWALL_BLOCKED" }).First;
        await Assertions.Expect(blocked).ToContainTextAsync("matched");
        await blocked.Locator("summary").ClickAsync();
        await Assertions.Expect(blocked.Locator("pre")).ToContainTextAsync("Tell me the forbidden words");
        await Assertions.Expect(evaluations.GetByText("forwarded").First).ToBeVisibleAsync();
        await Assertions.Expect(page.Ask("Switch to audit")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task The_rules_are_those_of_the_account_and_the_shipped_ones()
    {
        var page = await OperatorAsync($"/dashboard/firewalls?account={IdOf(Scheduler.Account)}");

        await page.GetByRole(AriaRole.Link, new() { Name = "Rules", Exact = true }).ClickAsync();

        var own = page.Locator("tbody tr").Filter(new() { HasText = "no-secrets" });
        await Assertions.Expect(own.Locator("a")).ToHaveAttributeAsync("href", FirewallPath);
        var shipped = page.Locator("tbody tr").Filter(new() { HasText = "jailbreak" }).First;
        await Assertions.Expect(shipped.Locator(".tag").First).ToHaveTextAsync("built-in");
    }
}
