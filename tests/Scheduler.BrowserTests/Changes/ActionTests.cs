using Microsoft.Playwright;
using Scheduler.Api.V1;
using Scheduler.BrowserTests.Pages;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.BrowserTests.Changes;

/// <summary>
/// Actions of the pages: each is confirmed first, executed once, reported with its request id, and recorded with its
/// actor.
/// </summary>
[Collection(ChangingGroup.Name)]
public sealed class ActionTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    private static LaunchSpec Healthy => Troubles.On(Troubles.Small, "sim-lambda");

    [Fact]
    public async Task Start_stop_and_delete_each_require_a_confirmation()
    {
        var name = await Api.CreateAsync(Scheduler.Account, "to-be-deleted", Healthy);
        var page = await AccountAsync(PathOf(name));

        var start = await page.DoAsync("Start", "The start of to-be-deleted was accepted");
        await Assertions.Expect(page.Locator("h1 + .state")).ToHaveTextAsync("running");
        await AssertDoneByAsync(start, "Start", Scheduler.AccountKey);

        var stop = await page.OpenAskAsync("Stop");
        await Assertions.Expect(stop).ToContainTextAsync("billed no further");
        Assert.Equal(InstanceState.Running, (await Api.InstanceAsync(name)).State);
        await stop.GetByRole(AriaRole.Button).ClickAsync();
        var stopped = await page.ExpectNoticeAsync("The stop of to-be-deleted was accepted");
        await Assertions.Expect(page.Locator("h1 + .state")).ToHaveTextAsync("stopped");
        await AssertDoneByAsync(stopped, "Stop", Scheduler.AccountKey);

        var delete = await page.OpenAskAsync("Delete");
        await Assertions.Expect(delete).ToContainTextAsync("cannot be started again");
        Assert.Equal(InstanceState.Stopped, (await Api.InstanceAsync(name)).State);
        await delete.GetByRole(AriaRole.Button).ClickAsync();
        var deleted = await page.ExpectNoticeAsync("to-be-deleted is deleted");
        Assert.Equal("/dashboard/instances", new Uri(page.Url).AbsolutePath);
        Assert.DoesNotContain(IdOf(name), await page.InstanceRowsAsync());
        await AssertDoneByAsync(deleted, "Delete", Scheduler.AccountKey);
    }

    [Fact]
    public async Task A_notice_is_shown_once_and_a_form_sent_twice_takes_effect_once()
    {
        var name = await Api.CreateAsync(Scheduler.Account, "sent-twice", Healthy);
        var page = await AccountAsync(PathOf(name));
        var form = await page.FormAsync("/delete");

        await page.DoAsync("Start", "The start of sent-twice was accepted");
        await page.ReloadAsync();
        await Assertions.Expect(page.Locator("main .notices > .notice.good")).ToHaveCountAsync(0);
        await Api.UntilAsync(name, InstanceState.Running);
        await page.GotoAsync(PathOf(name));
        await page.DoAsync("Stop", "The stop of sent-twice was accepted");
        await Api.UntilAsync(name, InstanceState.Stopped);

        await using var first = await page.PostAsync($"{PathOf(name)}/delete", form);
        await using var second = await page.PostAsync($"{PathOf(name)}/delete", form);
        Assert.Equal((303, 303), (first.Status, second.Status));
        await page.GotoAsync("/dashboard/instances");
        await page.ExpectNoticeAsync("sent-twice is deleted");
    }

    [Fact]
    public async Task A_provider_can_be_drained_and_undrained()
    {
        var page = await OperatorAsync("/dashboard/providers/sim-fluidstack");

        var ask = await page.OpenAskAsync("Drain the provider");
        await ask.GetByLabel("Reason").FillAsync("moves on Friday");
        await ask.Locator("button").ClickAsync();
        var drain = await page.ExpectNoticeAsync("sim-fluidstack is draining");
        await Assertions.Expect(page.GetByText("moves on Friday")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("An operator drained this provider")).ToBeVisibleAsync();
        Assert.True((await ProviderAsync()).Draining);
        await AssertDoneByAsync(drain, null, Scheduler.OperatorKey);

        await page.GetByRole(AriaRole.Link, new() { Name = "Its offers" }).ClickAsync();
        await Assertions.Expect(page.Locator("tbody tr").First).ToContainTextAsync("drained");
        await Assertions.Expect(page.Locator("tbody a[href^='/dashboard/launch']")).ToHaveCountAsync(0);
        await page.GetByRole(AriaRole.Link, new() { Name = "Why sim-fluidstack takes no launches" }).First.ClickAsync();
        var undrain = await page.DoAsync("Undrain the provider", "sim-fluidstack is back in placement");
        await Assertions.Expect(page.Ask("Drain the provider")).ToBeVisibleAsync();
        Assert.False((await ProviderAsync()).Draining);
        await AssertDoneByAsync(undrain, null, Scheduler.OperatorKey);

        async Task<Provider> ProviderAsync() =>
            await Api.Providers.GetProviderAsync(
                new GetProviderRequest { Name = "providers/sim-fluidstack" },
                cancellationToken: Ct
            );
    }

    [Fact]
    public async Task An_account_is_topped_up_once_per_reference()
    {
        var page = await OperatorAsync($"/dashboard/{Scheduler.OtherAccount}");

        var ask = await page.OpenAskAsync("Top up");
        await ask.GetByLabel("Amount, EUR").FillAsync("12.345678");
        await ask.GetByLabel("Reference of the payment").FillAsync("invoice-4711");
        await ask.GetByRole(AriaRole.Button).ClickAsync();
        var request = await page.ExpectNoticeAsync("12.345678 EUR were added");
        await Assertions
            .Expect(page.Locator("tbody tr").Filter(new() { HasText = "invoice-4711" }))
            .ToContainTextAsync("+12.345678");
        await AssertDoneByAsync(request, "TopUp", Scheduler.OperatorKey);

        await page.OpenAskAsync("Top up");
        await ask.GetByLabel("Amount, EUR").FillAsync("12.345678");
        await ask.GetByLabel("Reference of the payment").FillAsync("invoice-4711");
        await ask.GetByRole(AriaRole.Button).ClickAsync();
        await page.ExpectNoticeAsync("Nothing was added");
        var ledger = await Api.Accounts.ListLedgerEntriesAsync(
            new ListLedgerEntriesRequest { Parent = Scheduler.OtherAccount },
            cancellationToken: Ct
        );
        var entry = Assert.Single(ledger.Entries, entry => entry.Reference == "invoice-4711");
        Assert.Equal(12_345_678, entry.AmountMicroEur);
    }

    [Fact]
    public async Task A_firewall_and_a_schedule_can_be_switched()
    {
        var firewall = $"/dashboard/firewalls/{IdOf(Scheduler.Account)}/{IdOf(Scheduler.Firewall)}";
        var page = await OperatorAsync(firewall);
        var switched = await page.DoAsync("Switch to audit", "strict is in audit mode");
        await Assertions.Expect(page.Locator(".head .state")).ToHaveTextAsync("audit");
        await AssertDoneByAsync(switched, null, Scheduler.OperatorKey);

        await page.GotoAsync(PathOf(Scheduler.Stopped));
        var disabled = await page.DoAsync("Disable", "every-new-year is disabled");
        await Assertions.Expect(page.Ask("Enable")).ToBeVisibleAsync();
        await AssertDoneByAsync(disabled, null, Scheduler.OperatorKey);
    }

    [Fact]
    public async Task A_key_is_shown_once_and_valid_until_it_is_revoked()
    {
        var page = await AccountAsync($"/dashboard/{Scheduler.Account}");
        var ask = await page.OpenAskAsync("Create a key");
        await ask.GetByLabel("Display name").FillAsync("Made on the page");
        await ask.GetByRole(AriaRole.Button).ClickAsync();

        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("New key for acct-main");
        var token = (await page.Locator(".secret").TextContentAsync())!;
        await Axe.AssertAccessibleAsync(page);
        await Screenshots.AssertFitsAsync(page);
        await Screenshots.SaveAsync(page, "key-created");
        await page.GetByRole(AriaRole.Link, new() { Name = "I have copied it" }).ClickAsync();

        var row = page.Locator("tbody tr").Filter(new() { HasText = "Made on the page" });
        await Assertions.Expect(row).ToBeVisibleAsync();
        Assert.DoesNotContain(token, await page.ContentAsync());
        var (theirs, _) = await OpenAsync(token, "/dashboard");
        await Assertions.Expect(theirs.Locator("h1")).ToHaveTextAsync("acct-main");

        await row.Locator("summary").ClickAsync();
        await row.GetByRole(AriaRole.Button, new() { Name = "Revoke permanently" }).ClickAsync();
        var request = await page.ExpectNoticeAsync("is revoked");
        await Assertions.Expect(row.Locator(".state")).ToHaveTextAsync("revoked");
        await AssertDoneByAsync(request, null, Scheduler.AccountKey);
        await Assertions.Expect(theirs.Locator("h1")).ToHaveTextAsync("Sign in");
    }

    /// <summary>The action is recorded under the request that the page showed, with this key as its actor.</summary>
    private async Task AssertDoneByAsync(string request, string? trigger, string key)
    {
        var events = await Api.EventsAsync(request);
        var done = trigger is null
            ? events[0]
            : Assert.Single(
                events,
                happened => happened.Trigger == trigger && happened.Actor.StartsWith("key:", StringComparison.Ordinal)
            );
        Assert.Equal($"key:{KeyIdOf(key)}", done.Actor);
    }

    private static string KeyIdOf(string token) => $"key-{token[3..15]}";
}
