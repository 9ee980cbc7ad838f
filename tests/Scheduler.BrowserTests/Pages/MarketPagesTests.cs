using Microsoft.Playwright;
using Scheduler.Api.V1;
using Xunit;

namespace Scheduler.BrowserTests.Pages;

/// <summary>Providers and their offers.</summary>
[Collection(DashboardGroup.Name)]
public sealed class MarketPagesTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    [Fact]
    public async Task All_providers_are_listed_with_their_offers()
    {
        var providers = (
            await Api.Providers.ListProvidersAsync(new ListProvidersRequest(), cancellationToken: Ct)
        ).Providers;

        var page = await AccountAsync("/dashboard/providers");

        await Assertions.Expect(page.Locator("tbody tr")).ToHaveCountAsync(providers.Count);
        foreach (var provider in providers)
        {
            var row = page.Locator("tbody tr").Filter(new() { HasText = IdOf(provider.Name) });
            await Assertions.Expect(row.Locator(".state").First).ToHaveTextAsync("healthy");
        }

        await page.GetByRole(AriaRole.Link, new() { Name = "sim-verda" }).ClickAsync();
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("sim-verda");
    }

    [Fact]
    public async Task A_provider_shows_its_timed_out_routes_and_an_operator_can_drain_it()
    {
        var page = await OperatorAsync("/dashboard/providers/sim-verda");

        var cooling = page.GetByRole(AriaRole.Region, new() { Name = "Routes that rank last" });
        await Assertions.Expect(cooling).ToContainTextAsync("FIN-03");
        await Assertions.Expect(cooling).ToContainTextAsync("B200-SXM");
        await Assertions.Expect(page.GetByText("allocated in time")).ToBeVisibleAsync();
        await Assertions.Expect(page.Ask("Drain the provider")).ToBeVisibleAsync();

        var (theirs, _) = await OpenAsync(Scheduler.AccountKey, "/dashboard/providers/sim-verda");
        await Assertions.Expect(theirs.Locator("h1")).ToHaveTextAsync("sim-verda");
        await Assertions.Expect(theirs.Locator("main form[method=post]")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Offers_can_be_filtered_and_each_page_has_an_address()
    {
        var page = await OperatorAsync("/dashboard/offers");
        var first = await page.Locator("tbody").TextContentAsync();

        await page.GetByRole(AriaRole.Link, new() { Name = "Next page" }).ClickAsync();

        await Assertions.Expect(page).ToHaveURLAsync(new Uri(Scheduler.Site, "/dashboard/offers?skip=50").ToString());
        await Assertions.Expect(page.GetByText("51 to 100 of")).ToBeVisibleAsync();
        await page.GoBackAsync();
        await Assertions.Expect(page.GetByText("1 to 50 of")).ToBeVisibleAsync();
        Assert.Equal(first, await page.Locator("tbody").TextContentAsync());

        await page.GetByLabel("Provider").SelectOptionAsync("sim-lambda");
        await page.GetByLabel("GPU", new() { Exact = true }).FillAsync("A10");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter", Exact = true }).ClickAsync();
        await Assertions
            .Expect(page)
            .ToHaveURLAsync(new System.Text.RegularExpressions.Regex("provider=sim-lambda.*gpu=A10"));
        var asked = new ListOffersRequest { Provider = "sim-lambda", GpuType = "A10" };
        var listed = await Api.Providers.ListOffersAsync(asked, cancellationToken: Ct);
        Assert.NotEmpty(listed.Offers);
        await Assertions.Expect(page.Locator("tbody tr")).ToHaveCountAsync(listed.Offers.Count);
    }

    [Fact]
    public async Task An_invalid_price_is_reported_at_its_field()
    {
        var page = await OperatorAsync("/dashboard/offers");

        await page.GetByLabel("Highest price").FillAsync("cheap");
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter", Exact = true }).ClickAsync();

        await Assertions.Expect(page.Locator("#max_price-fault")).ToContainTextAsync("1.29");
        await Assertions.Expect(page.GetByLabel("Highest price")).ToHaveAttributeAsync("aria-invalid", "true");
    }

    [Fact]
    public async Task An_offer_links_to_a_launch_form_that_requests_it()
    {
        var page = await OperatorAsync("/dashboard/offers?provider=sim-lambda&gpu=A10");

        await page.GetByRole(AriaRole.Link, new() { Name = "Launch on 1×A10 at sim-lambda" }).First.ClickAsync();

        await Assertions.Expect(page.GetByLabel("GPU type")).ToHaveValueAsync("A10");
        await Assertions.Expect(page.GetByLabel("Number of GPUs")).ToHaveValueAsync("1");
        await Assertions.Expect(page.GetByLabel("Providers", new() { Exact = true })).ToHaveValueAsync("sim-lambda");
    }
}
