using Microsoft.Playwright;
using Scheduler.BrowserTests.Pages;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.BrowserTests.Changes;

/// <summary>The launch form explains a launch while it is edited, and then leads to the launched instance.</summary>
[Collection(ChangingGroup.Name)]
public sealed class LaunchPageTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    [Fact]
    public async Task The_form_explains_a_launch_applies_a_relaxation_and_launches()
    {
        var page = await AccountAsync("/dashboard/launch");
        await Assertions.Expect(page.GetByText("Nothing is started yet.")).ToBeVisibleAsync();
        var verdict = page.Locator(".verdict");

        await page.GetByLabel("Serving name").FillAsync("chat");
        await page.GetByLabel("Highest price").FillAsync("0,30");
        await Assertions.Expect(page.Locator("#fault-name")).ToContainTextAsync("has this name already");
        await Assertions.Expect(page.Locator("#fault-max_price")).ToBeHiddenAsync();
        await page.GetByLabel("Highest price").FillAsync("");
        await page.GetByLabel("Serving name").FillAsync("launched");
        await Assertions.Expect(page.Locator("#fault-name")).ToBeHiddenAsync();
        await page.GetByLabel("Model").FillAsync(Troubles.Small);
        await Assertions.Expect(verdict).ToContainTextAsync("Yes: ");
        await page.GetByLabel("Providers", new() { Exact = true }).FillAsync("sim-lambda");
        await page.GetByLabel("Highest price").FillAsync("0.10");
        await Assertions.Expect(verdict).ToContainTextAsync("SMART_NO_MATCH");
        await Assertions.Expect(page.Locator("#explanation-says")).ToContainTextAsync("SMART_NO_MATCH");
        Assert.Empty(await Api.InstancesAsync("serving_name = \"launched\""));

        await page.GetByRole(AriaRole.Link, new() { Name = "Apply this change" }).First.ClickAsync();
        await Assertions.Expect(verdict).ToContainTextAsync("Yes: ");
        await Assertions.Expect(page.GetByLabel("Serving name")).ToHaveValueAsync("launched");
        await Assertions.Expect(page.GetByLabel("Highest price")).Not.ToHaveValueAsync("0.10");

        await page.GetByRole(AriaRole.Button, new() { Name = "Launch", Exact = true }).ClickAsync();
        await page.ExpectNoticeAsync("launched was created, and its start was accepted");
        var created = Assert.Single(await Api.InstancesAsync("serving_name = \"launched\""));
        Assert.Equal(new Uri(Scheduler.Site, PathOf(created.Name)).ToString(), page.Url);
        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("launched");
        await Assertions.Expect(page.Locator("h1 + .state")).ToHaveTextAsync("running");
    }

    [Fact]
    public async Task Validation_errors_appear_at_their_fields_and_nothing_is_created()
    {
        var page = await AccountAsync("/dashboard/launch");

        await page.GetByLabel("Model").FillAsync(Troubles.Small);
        await page.GetByLabel("Context").FillAsync("a lot");
        await Assertions.Expect(page.Locator("#fault-context")).ToContainTextAsync("whole number from 1 to");
        await Assertions.Expect(page.GetByLabel("Context")).ToHaveAttributeAsync("aria-invalid", "true");
        await Assertions.Expect(page.Locator("#explanation")).ToContainTextAsync("Once every field is right");
        await page.GetByLabel("Context").FillAsync("4096");
        await Assertions.Expect(page.Locator("#fault-context")).ToBeHiddenAsync();
        await Assertions.Expect(page.GetByLabel("Context")).Not.ToHaveAttributeAsync("aria-invalid", "true");

        await page.GetByRole(AriaRole.Button, new() { Name = "Launch", Exact = true }).ClickAsync();
        await page.ExpectRefusalAsync("Serving name");
        await Assertions.Expect(page.Locator("#fault-name")).Not.ToBeEmptyAsync();
        await Assertions.Expect(page.GetByLabel("Context")).ToHaveValueAsync("4096");
        await Assertions.Expect(page.GetByLabel("Model")).ToHaveValueAsync(Troubles.Small);
    }

    [Fact]
    public async Task An_unclear_GPU_type_is_a_fault_and_a_change_that_leaves_what_is_named_is_marked()
    {
        var page = await AccountAsync("/dashboard/launch");
        var gpu = page.GetByLabel("GPU type", new() { Exact = true });
        await page.GetByLabel("Serving name").FillAsync("unclear-gpu");
        await page.GetByLabel("Model").FillAsync(Troubles.Small);

        await gpu.FillAsync("H100");
        await Assertions.Expect(page.Locator("#fault-gpu")).ToContainTextAsync("`H100-80GB-SXM`");
        await page.GetByRole(AriaRole.Button, new() { Name = "Launch", Exact = true }).ClickAsync();
        await page.ExpectRefusalAsync("GPU type");
        Assert.Empty(await Api.InstancesAsync("serving_name = \"unclear-gpu\""));

        await page.GetByLabel("Highest price").FillAsync("0.30");
        await gpu.FillAsync("nvidia b200");
        await Assertions.Expect(page.Locator(".verdict")).ToContainTextAsync("SMART_NO_MATCH");
        var proposals = page.Locator(".proposal");
        await Assertions.Expect(proposals.First).ToContainTextAsync("Max price 0.30");
        await Assertions.Expect(proposals.First.Locator(".tag")).ToHaveCountAsync(0);
        await Assertions.Expect(proposals.Last.Locator(".tag")).ToHaveTextAsync("leaves what you named");
    }

    [Fact]
    public async Task The_explanation_is_also_a_page_with_its_own_address()
    {
        var page = await OperatorAsync("/dashboard/launch");
        await page.GetByLabel("Account", new() { Exact = true }).FillAsync("acct-other");
        await page.GetByLabel("Model").FillAsync(Troubles.Small);

        await page.GetByRole(AriaRole.Button, new() { Name = "Explain only" }).ClickAsync();

        await page.WaitForURLAsync(url => url.Contains("model=", StringComparison.Ordinal));
        await Assertions.Expect(page.Locator(".verdict")).ToContainTextAsync("Yes: ");
        await page.ReloadAsync();
        await Assertions.Expect(page.Locator(".verdict")).ToContainTextAsync("Yes: ");
    }

    [Fact]
    public async Task An_account_can_launch_only_for_itself()
    {
        var before = (await Api.InstancesAsync(parent: Scheduler.Account)).Count;
        var (page, _) = await OpenAsync(Scheduler.OtherKey, "/dashboard/launch");
        var form = await page.FormAsync("/launch/create");
        (form["account"], form["name"], form["model"]) = ("acct-main", "for-another", Troubles.Small);
        form.Remove("start");

        await using var answer = await page.PostAsync("/dashboard/launch/create", form);

        Assert.Equal(303, answer.Status);
        Assert.Empty(await Api.InstancesAsync("serving_name = \"for-another\""));
        Assert.Equal(before, (await Api.InstancesAsync(parent: Scheduler.Account)).Count);
        await page.GotoAsync(answer.Headers["location"]);
        await Assertions.Expect(page.Locator("#fault-account")).ToHaveTextAsync("No account has this id.");
        await Assertions.Expect(page.Locator(".verdict")).ToHaveCountAsync(0);
    }
}
