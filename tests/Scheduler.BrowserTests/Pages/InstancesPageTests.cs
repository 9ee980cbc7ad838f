using Microsoft.Playwright;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.BrowserTests.Pages;

/// <summary>The list of instances: filters and orders match the API, and each view has an address.</summary>
[Collection(DashboardGroup.Name)]
public sealed class InstancesPageTests(Browser browser, DashboardScheduler scheduler)
    : DashboardTest(browser, scheduler)
{
    [Fact]
    public async Task Without_a_filter_all_instances_are_listed_newest_first()
    {
        var page = await OperatorAsync("/dashboard/instances");

        var listed = await Api.InstancesAsync();
        await page.ExpectInstancesAsync(listed.Select(instance => IdOf(instance.Name)));
        await Assertions.Expect(page.GetByText($"{listed.Count} instances")).ToBeVisibleAsync();
        var failed = page.Locator("tr").Filter(new() { HasText = "OOM_KILLED" });
        await Assertions.Expect(failed).ToContainTextAsync("oom-killed");
        await Assertions.Expect(failed.Locator(".state")).ToHaveTextAsync("failed");
    }

    [Theory]
    [InlineData("Text", "runtime-exited", "text")]
    [InlineData("State", "running", "state")]
    [InlineData("State", "stopped", "state")]
    [InlineData("Failed with", "PROVIDER_TIMEOUT", "failure_code")]
    [InlineData("Provider", "sim-lium", "provider")]
    [InlineData("Region", "FIN-03", "region")]
    [InlineData("GPU", "RTX5090", "gpu_type")]
    public async Task Each_filter_shows_what_the_api_lists_with_it(string field, string value, string name)
    {
        var page = await OperatorAsync("/dashboard/instances");

        await FilterAsync(page, field, value);

        var asked = name == "state" ? value.ToUpperInvariant() : value;
        var listed = await Api.InstancesAsync($"{name} = \"{asked}\"");
        Assert.NotEmpty(listed);
        await page.ExpectInstancesAsync(listed.Select(instance => IdOf(instance.Name)));

        // The address defines the view: after a reload it is the same, with the filter filled in.
        await page.ReloadAsync();
        await page.ExpectInstancesAsync(listed.Select(instance => IdOf(instance.Name)));
        await Assertions.Expect(page.GetByLabel(field, new() { Exact = true })).ToHaveValueAsync(value);
        await page.GetByRole(AriaRole.Link, new() { Name = "Clear" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new Uri(Scheduler.Site, "/dashboard/instances").ToString());
    }

    [Fact]
    public async Task An_operator_can_list_one_account()
    {
        var page = await OperatorAsync("/dashboard/instances");

        await FilterAsync(page, "Account", IdOf(Scheduler.OtherAccount));

        await page.ExpectInstancesAsync([IdOf(Scheduler.OtherInstance)]);
    }

    [Fact]
    public async Task An_empty_result_says_so_and_links_back()
    {
        var page = await OperatorAsync("/dashboard/instances?q=nothing-is-called-so");

        await Assertions.Expect(page.GetByText("No instance matches these filters.")).ToBeVisibleAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "Show all" }).ClickAsync();
        await Assertions.Expect(page.Locator("main tbody tr")).Not.ToHaveCountAsync(0);
    }

    [Theory]
    [InlineData("newest")]
    [InlineData("oldest")]
    [InlineData("recently-changed")]
    [InlineData("name")]
    [InlineData("burn-rate")]
    public async Task Each_sort_order_is_correct(string order)
    {
        var page = await OperatorAsync("/dashboard/instances");

        await page.GetByLabel("Sort by").SelectOptionAsync(order);
        await page.GetByRole(AriaRole.Button, new() { Name = "Filter", Exact = true }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new System.Text.RegularExpressions.Regex($"sort={order}"));

        var listed = (await Api.InstancesAsync()).ToDictionary(instance => IdOf(instance.Name));
        await ExpectSortedAsync();
        await page.ReloadAsync();
        await Assertions.Expect(page.GetByLabel("Sort by")).ToHaveValueAsync(order);
        await ExpectSortedAsync();

        Task ExpectSortedAsync() =>
            Eventually.UntilAsync(
                async () => (await page.InstanceRowsAsync()).Select(id => listed[id]).ToList(),
                rows =>
                    rows.Count == listed.Count
                    && rows.SequenceEqual(
                        // Equal values may be in any order.
                        order switch
                        {
                            "newest" => rows.OrderByDescending(instance => instance.CreateTime),
                            "oldest" => rows.OrderBy(instance => instance.CreateTime),
                            "recently-changed" => rows.OrderByDescending(instance => instance.UpdateTime),
                            "burn-rate" => rows.OrderByDescending(BurnOf),
                            _ => rows.OrderBy(instance => instance.ServingName, StringComparer.Ordinal),
                        }
                    ),
                $"the list is sorted by {order}"
            );
    }

    private static long BurnOf(Instance instance) =>
        instance.State == InstanceState.Running ? instance.Placement.PricePerHourMicroEur : 0;

    [Fact]
    public async Task A_column_header_sorts_and_keeps_the_filter()
    {
        var page = await OperatorAsync("/dashboard/instances?state=failed");

        await page.GetByRole(AriaRole.Link, new() { Name = "Serving name" }).ClickAsync();

        await Assertions
            .Expect(page)
            .ToHaveURLAsync(new Uri(Scheduler.Site, "/dashboard/instances?state=failed&sort=name").ToString());
        await Assertions
            .Expect(page.GetByRole(AriaRole.Link, new() { Name = "Serving name" }))
            .ToHaveAttributeAsync("aria-current", "true");
        await page.ExpectInstancesAsync(
            (await Api.InstancesAsync("state = \"FAILED\""))
                .OrderBy(instance => instance.ServingName, StringComparer.Ordinal)
                .Select(instance => IdOf(instance.Name))
        );
    }

    private static async Task FilterAsync(IPage page, string field, string value)
    {
        var input = page.GetByRole(AriaRole.Search, new() { Name = "Filter instances" })
            .GetByLabel(field, new() { Exact = true });
        if (field is "State" or "Failed with")
        {
            await input.SelectOptionAsync(value);
        }
        else
        {
            await input.FillAsync(value);
        }

        await page.GetByRole(AriaRole.Button, new() { Name = "Filter", Exact = true }).ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Link, new() { Name = "Clear" })).ToBeVisibleAsync();
    }
}
