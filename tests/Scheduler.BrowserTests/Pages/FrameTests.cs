using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Playwright;
using Scheduler.Api.V1;
using Xunit;

namespace Scheduler.BrowserTests.Pages;

/// <summary>The frame of every page: navigation, search field, and the page for a missing address.</summary>
[Collection(DashboardGroup.Name)]
public sealed class FrameTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    [Fact]
    public async Task Every_page_is_reached_by_its_name_without_reloading_the_frame()
    {
        var page = await OperatorAsync("/dashboard");
        await page.EvaluateAsync("() => { window.stayed = true; }");

        foreach (
            var (name, heading) in new[]
            {
                ("Instances", "Instances"),
                ("Launch", "Launch an instance"),
                ("Balancers", "Balancers"),
                ("Firewalls", "Firewalls"),
                ("Accounts", "Accounts"),
                ("Providers", "Providers"),
                ("Offers", "Offers"),
                ("Models", "Models"),
                ("Requests", "Requests"),
                ("Failures", "Failures"),
                ("Fleet", "Fleet"),
            }
        )
        {
            var link = page.GetByRole(AriaRole.Navigation, new() { Name = "Pages" })
                .GetByRole(AriaRole.Link, new() { Name = name, Exact = true });
            await link.ClickAsync();
            await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync(heading);
            await Assertions.Expect(link).ToHaveAttributeAsync("aria-current", "page");
        }

        Assert.True(await page.EvaluateAsync<bool>("() => window.stayed"));
    }

    [Fact]
    public async Task The_foot_of_a_page_shows_the_version_that_livez_reports()
    {
        using var client = new HttpClient { BaseAddress = Scheduler.Site };
        var live = await client.GetFromJsonAsync<JsonElement>("/livez", Ct);

        var page = await OperatorAsync("/dashboard/failures");

        await Assertions
            .Expect(page.GetByRole(AriaRole.Contentinfo))
            .ToHaveTextAsync($"Scheduler {live.GetProperty("version").GetString()}");
    }

    [Theory]
    [InlineData("instance")]
    [InlineData("name of an instance")]
    [InlineData("account")]
    [InlineData("balancer")]
    [InlineData("request")]
    [InlineData("code")]
    [InlineData("provider")]
    [InlineData("region")]
    [InlineData("model")]
    [InlineData("allocation")]
    [InlineData("several names")]
    [InlineData("part of the only name")]
    public async Task A_pasted_id_or_name_leads_to_its_page(string what)
    {
        var oom = await Api.InstanceAsync(Scheduler.Failed["OOM_KILLED"]);
        var (pasted, path) = what switch
        {
            "instance" => (IdOf(oom.Name), PathOf(oom.Name)),
            "name of an instance" => (oom.Name, PathOf(oom.Name)),
            "account" => ("acct-main", "/dashboard/accounts/acct-main"),
            "balancer" => (IdOf(Scheduler.Balancer), $"/dashboard/balancers/{IdOf(Scheduler.Balancer)}"),
            "request" => ($"x-request-id: {oom.Failure.RequestId}", $"/dashboard/requests/{oom.Failure.RequestId}"),
            "code" => ("oom_killed", "/dashboard/failures/OOM_KILLED"),
            "provider" => ("sim-verda", "/dashboard/providers/sim-verda"),
            "region" => ("fin-03", "/dashboard/offers?region=FIN-03"),
            "model" => (oom.Spec.Model, $"/dashboard/models?q={Uri.EscapeDataString(oom.Spec.Model)}"),
            "allocation" => (
                (await Api.InstanceAsync(Scheduler.Running)).Placement.AllocationId,
                PathOf(Scheduler.Running)
            ),
            "several names" => ("runtime-", "/dashboard/instances?q=runtime-"),
            _ => ("oom-kill", PathOf(oom.Name)),
        };
        var page = await OperatorAsync("/dashboard");

        // The key moves the focus to the field, and in a field it is a letter.
        await page.Keyboard.PressAsync("/");
        await Assertions.Expect(page.Locator("#find")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("/");
        await Assertions.Expect(page.Locator("#find")).ToHaveValueAsync("/");
        await page.Locator("#find").FillAsync(pasted);
        await page.Keyboard.PressAsync("Enter");

        await Assertions.Expect(page).ToHaveURLAsync(new Uri(Scheduler.Site, path).ToString());
        await Assertions.Expect(page.Locator("h1")).Not.ToHaveTextAsync("Fleet");
    }

    [Fact]
    public async Task A_missing_page_shows_its_request_id_and_a_link_back()
    {
        var (page, guard) = await OpenAsync(Scheduler.OperatorKey, "/dashboard/requests");
        guard.Expect("^console: .* 404");

        var answer = await page.GotoAsync("/dashboard/nothing/here");

        Assert.Equal(404, answer!.Status);
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("Not found");
        await Assertions.Expect(page.Locator("code.id")).ToHaveTextAsync(answer.Headers["x-request-id"]);
        await page.GetByRole(AriaRole.Link, new() { Name = "Go to the fleet" }).ClickAsync();
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("Fleet");
    }

    [Fact]
    public async Task The_Orleans_dashboard_is_shown_to_operators()
    {
        var (page, _) = await OpenAsync(Scheduler.OperatorKey, "/dashboard");

        await page.GetByRole(AriaRole.Link, new() { Name = "Orleans", Exact = true }).ClickAsync();

        await Assertions.Expect(page).ToHaveTitleAsync(new System.Text.RegularExpressions.Regex("Orleans"));
        await Assertions.Expect(page.GetByText("Total activations", new() { Exact = false }).First).ToBeVisibleAsync();
    }

    [Fact]
    public async Task An_unknown_path_of_the_Orleans_dashboard_gives_the_error_page()
    {
        var (page, guard) = await OpenAsync(Scheduler.OperatorKey, "/dashboard");
        guard.Expect("^console: .* 404");

        var answer = await page.GotoAsync("/dashboard/orleans/no-such-page.js");

        Assert.Equal(404, answer!.Status);
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("Not found");
        await Assertions.Expect(page.Locator("code.id")).ToHaveTextAsync(answer.Headers["x-request-id"]);
    }

    [Fact]
    public async Task The_Orleans_dashboard_is_refused_to_accounts()
    {
        var (page, guard) = await OpenAsync(Scheduler.AccountKey, "/dashboard");
        await Assertions
            .Expect(page.GetByRole(AriaRole.Link, new() { Name = "Orleans", Exact = true }))
            .ToHaveCountAsync(0);
        guard.Expect("^console: .* 403");

        var answer = await page.GotoAsync("/dashboard/orleans/");

        Assert.Equal(403, answer!.Status);
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("Not allowed");
        Assert.Equal(403, (await page.APIRequest.GetAsync("/dashboard/orleans/DashboardCounters")).Status);
    }

    [Fact]
    public async Task A_viewer_sees_everything_and_no_actions()
    {
        var (_, key) = await Api.KeyAsync(null, KeyRole.Viewer);
        var (page, _) = await OpenAsync(key, "/dashboard");
        await Assertions.Expect(page.Locator(".who summary")).ToHaveTextAsync("Viewer");

        foreach (var name in AllPages.Names)
        {
            await page.GotoAsync(await AllPages.PathAsync(name, Scheduler));
            await Assertions.Expect(page.Locator("h1")).ToBeVisibleAsync();
            var offered = await page.EvaluateAsync<string[]>(
                """
                () => [...document.querySelectorAll("main form[method=post] button")]
                    .map(button => button.formAction).filter(action => !action.endsWith("/launch/look"))
                """
            );
            Assert.Empty(offered);
        }
    }
}
