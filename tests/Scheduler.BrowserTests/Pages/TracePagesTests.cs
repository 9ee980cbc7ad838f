using System.Text.Json;
using Microsoft.Playwright;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Keys;
using Xunit;

namespace Scheduler.BrowserTests.Pages;

/// <summary>Requests and failures: the events of an id, and the meaning of a code.</summary>
[Collection(DashboardGroup.Name)]
public sealed class TracePagesTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    [Fact]
    public async Task A_request_page_shows_every_event_of_its_id()
    {
        var failure = (await Api.InstanceAsync(Scheduler.Failed["OOM_KILLED"])).Failure;
        var events = await Api.EventsAsync(failure.RequestId);
        var page = await OperatorAsync("/dashboard/requests");

        await page.Content()
            .GetByLabel("X-Request-Id", new() { Exact = true })
            .FillAsync($"X-Request-Id: {failure.RequestId}");
        await page.GetByRole(AriaRole.Button, new() { Name = "Show what happened" }).ClickAsync();

        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync($"Request {failure.RequestId}");
        var steps = page.Locator("ol.timeline > li");
        await Assertions.Expect(steps).ToHaveCountAsync(events.Count);
        await Assertions
            .Expect(page.GetByRole(AriaRole.Region, new() { Name = "Summary" }))
            .ToContainTextAsync("OOM_KILLED");
        for (var i = 0; i < events.Count; i++)
        {
            await Assertions.Expect(steps.Nth(i)).ToContainTextAsync(events[i].Trigger);
        }
    }

    [Fact]
    public async Task An_id_without_events_explains_the_possible_reasons()
    {
        var page = await OperatorAsync("/dashboard/requests/req-of-nothing");

        await Assertions
            .Expect(page.GetByRole(AriaRole.Heading, new() { Name = "Nothing is recorded for this id" }))
            .ToBeVisibleAsync();
        await Assertions.Expect(page.GetByText("Download support bundle")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task The_support_bundle_contains_the_events_and_no_secret()
    {
        var failure = (await Api.InstanceAsync(Scheduler.Failed["RUNTIME_EXITED"])).Failure;
        var page = await OperatorAsync($"/dashboard/requests/{failure.RequestId}");

        var saved = await page.RunAndWaitForDownloadAsync(() =>
            page.GetByRole(AriaRole.Link, new() { Name = "Download support bundle" }).ClickAsync()
        );

        Assert.Equal($"support-{failure.RequestId}.json", saved.SuggestedFilename);
        var text = await File.ReadAllTextAsync(await saved.PathAsync(), Ct);
        using var bundle = JsonDocument.Parse(text);
        Assert.Equal(failure.RequestId, bundle.RootElement.GetProperty("request_id").GetString());
        var events = await Api.EventsAsync(failure.RequestId);
        Assert.Equal(events.Count, bundle.RootElement.GetProperty("events").GetArrayLength());
        Assert.Contains(failure.Code, text);
        foreach (var key in new[] { Scheduler.OperatorKey, Scheduler.AccountKey, Scheduler.OtherKey })
        {
            Assert.DoesNotContain(key[^KeyToken.SecretLength..], text);
        }

        Assert.DoesNotContain("\"sk-", text);
    }

    [Fact]
    public async Task Every_code_of_the_catalogue_is_explained()
    {
        var page = await OperatorAsync("/dashboard/failures");

        foreach (var definition in FailureCatalogue.All)
        {
            var entry = page.Locator(".codes > li")
                .Filter(new() { Has = page.Locator($"a[href='/dashboard/failures/{definition.Code.WireName()}']") });
            await Assertions.Expect(entry).ToContainTextAsync(definition.Cause);
            await Assertions.Expect(entry.Locator(".hint")).ToHaveTextAsync(definition.Remedy);
        }

        await Assertions.Expect(page.Locator(".codes > li")).ToHaveCountAsync(FailureCatalogue.All.Length);
    }

    [Fact]
    public async Task A_code_page_links_to_the_affected_instances()
    {
        var name = Scheduler.Failed["PROVIDER_TIMEOUT"];
        var failure = (await Api.InstanceAsync(name)).Failure;
        var page = await OperatorAsync("/dashboard/failures");

        await page.GetByRole(AriaRole.Link, new() { Name = "PROVIDER_TIMEOUT" }).ClickAsync();

        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("PROVIDER_TIMEOUT");
        var seen = page.GetByRole(AriaRole.List, new() { Name = "Recent cases" }).Locator("li");
        await Assertions.Expect(seen).ToHaveCountAsync(1);
        await Assertions.Expect(seen.Locator(".hint")).ToHaveTextAsync(failure.Hint);
        await seen.GetByRole(AriaRole.Link, new() { Name = "provider-timeout" }).ClickAsync();
        await Assertions.Expect(page).ToHaveURLAsync(new Uri(Scheduler.Site, PathOf(name)).ToString());
    }
}
