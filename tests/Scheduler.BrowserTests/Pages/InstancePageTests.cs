using Microsoft.Playwright;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.BrowserTests.Pages;

/// <summary>The page of one instance: its state, the cause of its failure and the possible actions.</summary>
[Collection(DashboardGroup.Name)]
public sealed class InstancePageTests(Browser browser, DashboardScheduler scheduler) : DashboardTest(browser, scheduler)
{
    /// <summary>Every failure code that an instance can have.</summary>
    public static TheoryData<string> Codes => [.. Troubles.All.Keys, "BALANCE_EXHAUSTED"];

    [Theory]
    [MemberData(nameof(Codes))]
    public async Task A_failed_instance_shows_cause_remedy_and_request_id(string code)
    {
        var name = Scheduler.Failed[code];
        var failure = (await Api.InstanceAsync(name)).Failure;

        var page = await OperatorAsync(PathOf(name));

        await Assertions.Expect(page.Locator("h1 + .state")).ToHaveTextAsync("failed");
        var why = page.Locator("section.notice.bad");
        await Assertions
            .Expect(why.GetByRole(AriaRole.Link, new() { Name = code }))
            .ToHaveAttributeAsync("href", $"/dashboard/failures/{code}");
        await Assertions.Expect(why).ToContainTextAsync(failure.Message);
        await Assertions
            .Expect(why)
            .ToContainTextAsync(failure.Run > 0 ? $" in run {failure.Run}" : " before its first run");
        await Assertions.Expect(why.Locator(".hint")).ToHaveTextAsync(failure.Hint);
        await Assertions
            .Expect(why.GetByRole(AriaRole.Link, new() { Name = failure.RequestId }))
            .ToHaveAttributeAsync("href", $"/dashboard/requests/{failure.RequestId}");
        await Assertions.Expect(page.Locator("form[action*='/remedies/']")).Not.ToHaveCountAsync(0);

        if (code == "GPU_INCOMPATIBLE")
        {
            await Assertions.Expect(page.Locator("ul.refused").First).ToContainTextAsync("the model does not fit ");
        }

        // The facts with their names, and the step of the timeline.
        var facts = page.GetByRole(AriaRole.Region, new() { Name = "Failure details" });
        foreach (var fact in failure.Details.Keys)
        {
            // A fact with a name in words has its key as the tooltip.
            var shown = facts
                .GetByText(fact, new() { Exact = true })
                .Or(facts.GetByTitle(fact, new() { Exact = true }));
            await Assertions.Expect(shown).ToBeVisibleAsync();
        }

        await Assertions
            .Expect(page.Locator("ol.timeline li.failure").Filter(new() { HasText = code }))
            .Not.ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_running_instance_shows_its_placement_and_cost()
    {
        var running = await Api.InstanceAsync(Scheduler.Running);

        var page = await AccountAsync(PathOf(Scheduler.Running));

        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("chat");
        await Assertions.Expect(page.Locator("h1 + .state")).ToHaveTextAsync("running");
        var placed = page.GetByRole(AriaRole.Region, new() { Name = "Placement and cost" });
        await Assertions.Expect(placed).ToContainTextAsync(IdOf(running.Placement.Offer.Provider));
        await Assertions.Expect(placed).ToContainTextAsync(running.Placement.Offer.Region);
        await Assertions.Expect(placed).ToContainTextAsync(running.Placement.Offer.GpuType);
        await Assertions.Expect(placed).ToContainTextAsync(running.Placement.Why);
        await Assertions
            .Expect(placed.GetByTitle($"{running.Placement.PricePerHourMicroEur:N0} micro-EUR"))
            .Not.ToHaveCountAsync(0);
        await Assertions.Expect(placed).ToContainTextAsync("Served");
        await placed.GetByText("Latest runtime output").ClickAsync();
        await Assertions.Expect(placed.Locator("pre")).ToContainTextAsync("simulated: serving chat");
        await Assertions
            .Expect(page.GetByRole(AriaRole.Region, new() { Name = "Requested spec" }))
            .ToContainTextAsync(running.Spec.Model);
        await Assertions.Expect(page.Ask("Stop")).ToBeVisibleAsync();
        await Assertions.Expect(page.Ask("Start")).ToHaveCountAsync(0);
        await Assertions.Expect(page.Locator(".machine .now text")).ToHaveTextAsync("running");
        Assert.Equal(
            ["stopped", "checking", "provisioning", "starting", "running"],
            (await page.Locator(".machine .been text, .machine .now text").AllTextContentsAsync()).Intersect([
                "stopped",
                "checking",
                "provisioning",
                "starting",
                "running",
            ])
        );
    }

    [Fact]
    public async Task A_stopped_instance_shows_its_expected_placement_and_next_scheduled_start()
    {
        var page = await OperatorAsync(PathOf(Scheduler.Stopped));

        await Assertions.Expect(page.Locator("h1")).ToHaveTextAsync("nightly");
        await Assertions.Expect(page.Locator(".verdict")).ToContainTextAsync("Yes: ");
        var schedules = page.GetByRole(AriaRole.Region, new() { Name = "Schedules", Exact = true }).First;
        await Assertions.Expect(schedules).ToContainTextAsync("every-new-year");
        await Assertions.Expect(schedules).ToContainTextAsync("0 0 1 1 *");
        await Assertions.Expect(schedules).ToContainTextAsync("Europe/Berlin");
        await Assertions.Expect(page.Ask("Start")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task The_timeline_shows_every_step_with_its_request()
    {
        var page = await OperatorAsync(PathOf(Scheduler.Running));

        var timeline = page.Locator("ol.timeline");
        await Assertions
            .Expect(timeline.Locator("li").First)
            .ToContainTextAsync("created", new() { IgnoreCase = true });
        foreach (var trigger in new[] { "Start", "Ready" })
        {
            await Assertions
                .Expect(timeline.Locator("li strong", new() { HasText = trigger }).First)
                .ToBeVisibleAsync();
        }

        await timeline.Locator("a.id").First.ClickAsync();
        await Assertions
            .Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 }))
            .ToContainTextAsync("Request req-");
    }

    [Fact]
    public async Task Launch_another_like_it_copies_the_complete_launch_spec()
    {
        var page = await OperatorAsync(PathOf(Scheduler.Failed["GPU_INCOMPATIBLE"]));

        await page.GetByRole(AriaRole.Link, new() { Name = "Launch another like it" }).ClickAsync();

        await Assertions.Expect(page.GetByLabel("Serving name")).ToHaveValueAsync("gpu-incompatible-2");
        await Assertions.Expect(page.GetByLabel("Model")).ToHaveValueAsync(Troubles.Large);
        await Assertions.Expect(page.GetByLabel("GPU type")).ToHaveValueAsync("A10");
        await Assertions.Expect(page.Locator(".verdict")).ToContainTextAsync("GPU_INCOMPATIBLE");
    }
}
