using System.Globalization;
using Microsoft.Playwright;
using Scheduler.Api.V1;
using Xunit;

namespace Scheduler.BrowserTests.Pages;

/// <summary>The first page: its numbers match the API.</summary>
[Collection(DashboardGroup.Name)]
public sealed class FleetPageTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    [Fact]
    public async Task The_numbers_match_the_API()
    {
        var instances = await Api.InstancesAsync();
        var accounts = (
            await Api.Accounts.ListAccountsAsync(new ListAccountsRequest(), cancellationToken: Ct)
        ).Accounts;

        var page = await OperatorAsync("/dashboard");

        foreach (var state in new[] { InstanceState.Running, InstanceState.Failed, InstanceState.Stopped })
        {
            var word = state.ToString().ToLowerInvariant();
            await Assertions
                .Expect(page.Locator($"a.tile[href='/dashboard/instances?state={word}'] strong"))
                .ToHaveTextAsync(Count(instances.Count(instance => instance.State == state)));
        }

        await Assertions
            .Expect(page.Locator("a.tile[href='/dashboard/instances?state=running&sort=burn-rate'] strong"))
            .ToHaveTextAsync(Euros(accounts.Sum(account => account.BurnPerHourMicroEur)));
        await Assertions.Expect(Tile(page, "launches in flight")).ToHaveTextAsync("0");
        // Holds of running instances shrink with each second, so the tile lies between two answers of the API.
        var held = decimal.Parse((await Tile(page, "EUR on hold").TextContentAsync())!, CultureInfo.InvariantCulture);
        var (before, after) = (
            HoldsOf(accounts),
            HoldsOf((await Api.Accounts.ListAccountsAsync(new(), cancellationToken: Ct)).Accounts)
        );
        Assert.NotEqual(0, before);
        Assert.InRange(held, after - 0.01m, before + 0.01m);
    }

    [Fact]
    public async Task Failures_are_shown_with_their_remedy_and_providers_with_their_status()
    {
        var page = await OperatorAsync("/dashboard");

        var last = (await Api.InstancesAsync("state = \"FAILED\"")).MaxBy(instance => instance.UpdateTime)!;
        var failed = page.Locator("section").Filter(new() { HasText = "Latest failures" }).Locator("li").First;
        await Assertions.Expect(failed).ToContainTextAsync(last.Failure.Code);
        await Assertions.Expect(failed).ToContainTextAsync(last.Failure.Hint);
        await failed.GetByRole(AriaRole.Link, new() { Name = last.ServingName }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new Uri(Scheduler.Site, PathOf(last.Name)).ToString());
        await page.GoBackAsync();

        var providers = await Api.Providers.ListProvidersAsync(new ListProvidersRequest(), cancellationToken: Ct);
        await Assertions.Expect(page.Locator("tbody tr")).ToHaveCountAsync(providers.Providers.Count);
        foreach (var provider in providers.Providers)
        {
            await Assertions
                .Expect(page.Locator($"tbody a[href='/dashboard/{provider.Name}']"))
                .ToHaveTextAsync(IdOf(provider.Name));
        }
    }

    [Fact]
    public async Task Failures_are_counted_by_code_over_the_selected_period()
    {
        var page = await OperatorAsync("/dashboard");
        var failures = page.GetByRole(AriaRole.Region, new() { Name = "Failures", Exact = true });

        foreach (var code in Scheduler.Failed.Keys)
        {
            var entry = failures.Locator(".key li").Filter(new() { HasText = code });
            await Assertions.Expect(entry.Locator(".number")).ToHaveTextAsync("1");
        }

        await page.GetByRole(AriaRole.Link, new() { Name = "7 days" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new Uri(Scheduler.Site, "/dashboard?window=7d").ToString());
        await Assertions
            .Expect(page.GetByRole(AriaRole.Link, new() { Name = "7 days" }))
            .ToHaveAttributeAsync("aria-current", "true");
    }

    [Fact]
    public async Task Each_tile_links_to_the_items_it_counts()
    {
        var page = await OperatorAsync("/dashboard");
        await page.EvaluateAsync("() => { window.stayed = true; }");

        await page.Locator(".tile", new() { HasText = "launches in flight" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new Uri(Scheduler.Site, "/dashboard#in-flight").ToString());
        await Assertions.Expect(page.Locator("#in-flight")).ToBeInViewportAsync();
        await page.Locator(".tile", new() { HasText = "failed" }).ClickAsync();
        await Assertions.Expect(page.GetByLabel("State")).ToHaveValueAsync("failed");
        await page.ExpectInstancesAsync(
            (await Api.InstancesAsync("state = \"FAILED\"")).Select(instance => IdOf(instance.Name))
        );
        Assert.True(await page.EvaluateAsync<bool>("() => window.stayed"));
    }

    [Fact]
    public async Task An_account_sees_its_own_numbers()
    {
        var page = (await OpenAsync(Scheduler.OtherKey, "/dashboard")).Page;

        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync(IdOf(Scheduler.OtherAccount));
        await Assertions.Expect(page.Locator("a.tile[href$='state=running'] strong")).ToHaveTextAsync("1");
        await Assertions.Expect(page.Locator("a.tile[href$='state=failed'] strong")).ToHaveTextAsync("0");
        await Assertions.Expect(page.GetByText("There are no failed instances.")).ToBeVisibleAsync();
    }

    private static decimal HoldsOf(IEnumerable<Account> accounts) =>
        accounts.Sum(one => one.HoldsMicroEur) / 1_000_000m;

    private static ILocator Tile(IPage page, string name) =>
        page.Locator(".tile").Filter(new() { HasText = name }).Locator("strong");

    private static string Count(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    private static string Euros(long microEuros)
    {
        var euros = microEuros / 1_000_000m;
        return euros.ToString(Math.Abs(euros) is < 1 and not 0 ? "#,0.00##" : "#,0.00", CultureInfo.InvariantCulture);
    }
}
