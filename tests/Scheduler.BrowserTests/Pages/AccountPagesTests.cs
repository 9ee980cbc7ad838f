using Microsoft.Playwright;
using Scheduler.Api.V1;
using Xunit;

namespace Scheduler.BrowserTests.Pages;

/// <summary>Accounts: balance, ledger and keys.</summary>
[Collection(DashboardGroup.Name)]
public sealed class AccountPagesTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    [Fact]
    public async Task All_accounts_are_listed_for_operators()
    {
        var page = await OperatorAsync("/dashboard/accounts");

        await Assertions.Expect(page.Locator("tbody tr")).ToHaveCountAsync(2);
        var main = page.Locator("tbody tr").Filter(new() { HasText = "Main account" });
        await Assertions.Expect(main).ToContainTextAsync("active");
        await main.GetByRole(AriaRole.Link, new() { Name = "acct-main" }).ClickAsync();
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("Main account");
    }

    [Fact]
    public async Task A_caller_with_one_account_is_redirected_to_it()
    {
        var page = await AccountAsync("/dashboard/accounts");

        await Assertions
            .Expect(page)
            .ToHaveURLAsync(new Uri(Scheduler.Site, $"/dashboard/{Scheduler.Account}").ToString());
        await Assertions
            .Expect(page.GetByRole(AriaRole.Link, new() { Name = "Account", Exact = true }))
            .ToBeVisibleAsync();
        await Assertions.Expect(page.Ask("Top up")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task The_ledger_matches_the_API()
    {
        var asked = new ListLedgerEntriesRequest { Parent = Scheduler.Account };
        var page = await AccountAsync($"/dashboard/{Scheduler.Account}");
        var entries = (await Api.Accounts.ListLedgerEntriesAsync(asked, cancellationToken: Ct)).Entries;

        var rows = page.GetByRole(AriaRole.Region, new() { Name = "Ledger, newest first" }).Locator("tbody tr");
        var topUps = entries.Where(entry => entry.Kind == LedgerEntryKind.TopUp).ToList();
        Assert.NotEmpty(topUps);
        foreach (var entry in topUps)
        {
            var row = rows.Filter(new() { HasText = entry.Reference });
            await Assertions.Expect(row).ToContainTextAsync($"+{entry.AmountMicroEur / 1_000_000m:N2}");
            await Assertions
                .Expect(row.GetByRole(AriaRole.Link, new() { Name = entry.RequestId }))
                .ToHaveAttributeAsync("href", $"/dashboard/requests/{entry.RequestId}");
        }

        var usage = entries.First(entry => entry.Kind == LedgerEntryKind.Usage);
        await Assertions.Expect(rows.Locator($"a[href='{PathOf(usage.Instance)}']").First).ToBeVisibleAsync();
    }

    [Fact]
    public async Task Keys_are_listed_without_tokens_and_the_key_in_use_is_marked()
    {
        var page = await AccountAsync($"/dashboard/{Scheduler.Account}");

        var keys = page.GetByRole(AriaRole.Region, new() { Name = "Keys", Exact = true }).Last;
        var own = keys.Locator("tbody tr").Filter(new() { HasText = "For the tests" });
        await Assertions.Expect(own.Locator(".tag")).ToHaveTextAsync("yours");
        Assert.DoesNotContain(Scheduler.AccountKey, await page.ContentAsync());
    }
}
