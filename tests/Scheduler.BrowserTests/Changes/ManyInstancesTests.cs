using Microsoft.Playwright;
using Scheduler.Api.V1;
using Scheduler.BrowserTests.Pages;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.BrowserTests.Changes;

/// <summary>More instances than a page shows: each page of the list has an address.</summary>
[Collection(ChangingGroup.Name)]
public sealed class ManyInstancesTests(Browser browser, DashboardScheduler scheduler)
    : DashboardTest(browser, scheduler)
{
    private const int Many = 56;

    [Fact]
    public async Task The_list_can_be_paged_forwards_and_back()
    {
        const string account = "accounts/acct-many";
        await Api.Accounts.CreateAccountAsync(
            new CreateAccountRequest { AccountId = "acct-many" },
            cancellationToken: Ct
        );
        await Task.WhenAll(
            Enumerable
                .Range(0, Many)
                .Select(i => Api.CreateAsync(account, $"one-{i}", Troubles.On(Troubles.Small, "sim-lambda")))
        );
        var listed = (await Api.InstancesAsync(parent: account)).Select(instance => IdOf(instance.Name)).ToList();
        const string path = "/dashboard/instances?account=acct-many&sort=newest";
        var page = await OperatorAsync(path);
        await page.ExpectInstancesAsync(listed[..50]);
        await Assertions.Expect(page.GetByText($"{Many} instances")).ToBeVisibleAsync();

        await page.GetByRole(AriaRole.Link, new() { Name = "Next page" }).ClickAsync();

        await page.ExpectInstancesAsync(listed[50..]);
        var second = page.Url;
        Assert.Contains("after=", second);
        await page.GoBackAsync();
        await page.ExpectInstancesAsync(listed[..50]);
        await page.GotoAsync(second);
        await page.ExpectInstancesAsync(listed[50..]);
        await page.GetByRole(AriaRole.Link, new() { Name = "First page" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new Uri(Scheduler.Site, path).ToString());
        await page.ExpectInstancesAsync(listed[..50]);
    }
}
