using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.DomainTests.Failures;
using Scheduler.Grains;
using Scheduler.Grains.Instances;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Instances;

/// <summary>Pages of one instance and of a launch, in front of fake grains.</summary>
public sealed class InstancePageTests(DashboardFixture dashboard) : IClassFixture<DashboardFixture>
{
    [Theory]
    [InlineData(InstanceState.Provisioning, true)]
    [InlineData(InstanceState.Starting, true)]
    [InlineData(InstanceState.Running, true)]
    [InlineData(InstanceState.Stopping, true)]
    [InlineData(InstanceState.Stopped, false)]
    [InlineData(InstanceState.Failed, false)]
    public async Task A_start_that_is_not_possible_now_is_folded_away_and_never_red(InstanceState state, bool isFolded)
    {
        var instance = dashboard
            .Cluster.All<FakeInstance>()
            .Single(one => one.Record.Id.Value == dashboard.OfA.Instance);
        instance.Put(instance.Record with { State = state });
        instance.Explanation = new LaunchExplanation { Failure = SampleFacts.Failure<SmartNoMatchFacts>() };
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfA);

        var page = (await browser.GetAsync($"/dashboard/instances/{dashboard.OfA.Instance}")).Text;

        Assert.Equal(isFolded, page.Contains("<details class=\"fold\" id=\"start-now\">", StringComparison.Ordinal));
        Assert.Equal(!isFolded, page.Contains("verdict bad", StringComparison.Ordinal));
        Assert.Contains("a start now would end with SMART_NO_MATCH", page, StringComparison.Ordinal);
        Assert.Equal(
            state == InstanceState.Running,
            page.Contains(
                $"export OPENAI_BASE_URL={dashboard.Address.ToString().TrimEnd('/')}/v1",
                StringComparison.Ordinal
            )
        );
    }

    [Fact]
    public async Task A_taken_serving_name_is_reported_while_typing_and_only_within_the_account()
    {
        using var browser = await dashboard.OpenAsync(dashboard.Operator);

        Assert.Contains("An instance of acct-a has this name already.", await ExplainAsync("acct-a", "chat"));
        Assert.Contains("A balancer of acct-a has this name already.", await ExplainAsync("acct-a", "front"));
        Assert.DoesNotContain("has this name already", await ExplainAsync("acct-a", "chat-2"));
        Assert.DoesNotContain("has this name already", await ExplainAsync(dashboard.Missing.Account, "chat"));

        async Task<string> ExplainAsync(string account, string name) =>
            (
                await browser.PostAsync(
                    "/dashboard/launch/explain",
                    ("account", account),
                    ("name", name),
                    ("model", "Qwen/Qwen2.5-7B"),
                    ("asked", "1")
                )
            ).Text;
    }

    [Theory]
    [InlineData("/dashboard/providers/simulated")]
    [InlineData("/dashboard/providers")]
    [InlineData("/dashboard")]
    public async Task Figures_over_all_accounts_are_shown_to_operators_only_INV_08(string path)
    {
        var provider = dashboard.Cluster.Provider(new ProviderId("simulated"));
        await provider.DrainAsync("secret-reason", new(new RequestId("req-drain"), "key:secret-key", null));
        using var theirs = await dashboard.OpenAsync(dashboard.KeyOfA);
        using var operators = await dashboard.OpenAsync(dashboard.Operator);

        var seen = await theirs.GetAsync(path);
        var all = await operators.GetAsync(path);

        Assert.Equal((200, 200), (seen.Status, all.Status));
        Assert.Contains("drained", seen.Text, StringComparison.Ordinal);
        Assert.Matches("6,?666|85.7", all.Text);
        Assert.DoesNotMatch("7,?777|6,?666|85.7|1 h 14 min|secret", seen.Text);
    }

    [Fact]
    public async Task A_drain_shows_operators_who_ordered_it_and_why()
    {
        using var browser = await dashboard.OpenAsync(dashboard.Operator);
        await browser.PostAsync("/dashboard/providers/simulated/undrain", ("return", Browser.PlainPage));

        var refused = await browser.PostAsync(
            "/dashboard/providers/simulated/drain",
            ("reason", new string('x', 201)),
            ("return", Browser.PlainPage)
        );
        Assert.Contains("at most 200 characters", (await browser.FollowAsync(refused)).Text);
        await browser.PostAsync(
            "/dashboard/providers/simulated/drain",
            ("reason", "moves <on> Friday"),
            ("return", Browser.PlainPage)
        );
        var page = (await browser.GetAsync("/dashboard/providers/simulated")).Text;

        Assert.Contains("moves &lt;on&gt; Friday", page, StringComparison.Ordinal);
        Assert.Contains($"key:{ApiFixture.KeyIdOf(dashboard.Operator)}", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_instances_of_an_account_are_stopped_and_none_of_another()
    {
        var (mine, theirs) = (Instance(dashboard.OfA.Instance), Instance(dashboard.OfB.Instance));
        mine.Put(mine.Record with { State = InstanceState.Running });
        theirs.Put(theirs.Record with { State = InstanceState.Running });
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfA);

        var foreign = await browser.PostAsync(
            "/dashboard/accounts/acct-b/stop-instances",
            ("return", Browser.PlainPage)
        );
        Assert.Contains("NOT_FOUND", (await browser.FollowAsync(foreign)).Text);
        var own = await browser.PostAsync("/dashboard/accounts/acct-a/stop-instances", ("return", Browser.PlainPage));

        Assert.Contains("The stop of 1 instance of acct-a was accepted.", (await browser.FollowAsync(own)).Text);
        Assert.Equal((InstanceState.Stopped, InstanceState.Running), (mine.Record.State, theirs.Record.State));

        FakeInstance Instance(string id) =>
            dashboard.Cluster.All<FakeInstance>().Single(one => one.Record.Id.Value == id);
    }
}
