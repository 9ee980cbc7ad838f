using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Shell;

/// <summary>Who gets in and what gets done, over everything there is: a new page or action is in here the day it is mapped.</summary>
public sealed class DoorTests(DashboardFixture dashboard) : IClassFixture<DashboardFixture>
{
    /// <summary>Needs no session: how one begins, and how one ends.</summary>
    private static readonly string[] Open = ["/dashboard/sign-in", "/dashboard/session", "/dashboard/sign-out"];

    /// <summary>Forms that only look, so that a viewer may send them.</summary>
    private static readonly string[] Looks = ["/dashboard/launch/explain", "/dashboard/launch/look"];

    private IEnumerable<Page> Actions => dashboard.Pages.Where(page => page.IsAction);

    private IEnumerable<Page> Closed => dashboard.Pages.Where(page => !Open.Contains(page.Template));

    [Fact]
    public void The_pages_and_actions_are_found()
    {
        Assert.True(Actions.Count() >= 20, string.Join('\n', Actions));
        Assert.Contains(dashboard.Pages, page => page.Template == "/dashboard/instances/{Id}");
        Assert.All(Looks.Concat(Open), path => Assert.Contains(dashboard.Pages, page => page.Template == path));
    }

    [Fact]
    public async Task Without_a_session_there_is_the_way_to_sign_in_and_nothing_else()
    {
        using var window = dashboard.Open();
        var token = await window.TokenAsync();
        var known = dashboard.Cluster.Calls.Count;
        foreach (var page in Closed)
        {
            var path = dashboard.OfA.PathOf(page.Template);
            var answers = new List<Window.Answer>();
            if (!page.IsAction)
            {
                answers.Add(await window.GetAsync(path));
            }

            if (page.IsForm)
            {
                answers.Add(await window.PostWithAsync(token, path, dashboard.OfA.Fields));
            }

            Assert.All(
                answers,
                answer =>
                {
                    Assert.True(answer.Status == 302, $"{page}: {answer.Status} {answer.Text}");
                    Assert.StartsWith(
                        "/dashboard/sign-in?return=%2Fdashboard",
                        new Uri(dashboard.Address, answer.Location).PathAndQuery
                    );
                }
            );
        }

        Assert.Equal(known, dashboard.Cluster.Calls.Count);
    }

    [Fact]
    public async Task A_form_without_its_token_is_refused_before_it_reaches_a_grain()
    {
        using var window = await dashboard.OpenAsync(dashboard.Operator);
        using var other = await dashboard.OpenAsync(dashboard.KeyOfA);
        var stolen = await other.TokenAsync();
        foreach (var page in dashboard.Pages.Where(page => page.IsForm))
        {
            foreach (var token in new[] { null, "", "CfDJ8", stolen })
            {
                var before = dashboard.StateOf(dashboard.OfA);
                var known = dashboard.Cluster.Calls.Count;
                var answer = await window.PostWithAsync(
                    token,
                    dashboard.OfA.PathOf(page.Template),
                    [.. dashboard.OfA.Fields, ("key", dashboard.KeyOfA)]
                );
                Assert.True(answer.Status == 400, $"{page}: {answer.Status} {answer.Text}");
                AssertOnlyKeyOf(dashboard.Operator, known, page);
                Assert.Equal(before, dashboard.StateOf(dashboard.OfA));
            }
        }

        // And nobody was signed in or out by any of it.
        Assert.Contains(ApiFixture.KeyIdOf(dashboard.Operator), (await window.GetAsync(Window.PlainPage)).Text);
    }

    [Fact]
    public async Task A_form_that_no_page_shows_is_refused_at_every_page()
    {
        using var window = await dashboard.OpenAsync(dashboard.Operator);
        var token = await window.TokenAsync();
        foreach (var page in dashboard.Pages.Where(page => page is { IsForm: true, IsAction: false }))
        {
            var answer = await window.PostWithAsync(token, dashboard.OfA.PathOf(page.Template), ("_handler", "x"));
            Assert.True(answer.Status is 400 or 404, $"{page}: {answer.Status}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_viewer_is_refused_every_action_before_it_reaches_a_grain(bool isOperator)
    {
        var key = await dashboard.KeyAsync(isOperator ? null : new AccountId("acct-a"), KeyRole.Viewer);
        using var window = await dashboard.OpenAsync(key);
        var token = await window.TokenAsync();
        foreach (var action in Actions.Where(page => !Open.Contains(page.Template) && !Looks.Contains(page.Template)))
        {
            var known = dashboard.Cluster.Calls.Count;
            var answer = await window.PostWithAsync(
                token,
                dashboard.OfA.PathOf(action.Template),
                [.. dashboard.OfA.Fields, ("return", Window.PlainPage)]
            );
            Assert.True(answer.Status == 303, $"{action}: {answer.Status} {answer.Text}");
            AssertOnlyKeyOf(key, known, action);
            var page = await window.FollowAsync(answer);
            Assert.Contains("PERMISSION_DENIED", page.Text);
            Assert.Contains("is a viewer&#x27;s", page.Text);
            Assert.Contains("full key", page.Text);
        }
    }

    [Fact]
    public async Task A_viewer_looks_at_what_a_launch_would_do()
    {
        var key = await dashboard.KeyAsync(new AccountId("acct-a"), KeyRole.Viewer);
        using var window = await dashboard.OpenAsync(key);
        var before = dashboard.StateOf(dashboard.OfA);
        foreach (var path in Looks)
        {
            var answer = await window.PostAsync(path, dashboard.OfA.Fields);
            Assert.True(answer.Status is 200 or 303, $"{path}: {answer.Status}");
        }

        Assert.Equal(before, dashboard.StateOf(dashboard.OfA));
    }

    [Fact]
    public async Task A_viewer_sees_every_page_and_no_button_that_changes_anything()
    {
        var key = await dashboard.KeyAsync(new AccountId("acct-a"), KeyRole.Viewer);
        using var window = await dashboard.OpenAsync(key);
        var actions = Actions
            .Select(page => page.Template)
            .Except(Looks)
            .Except(Open)
            .Append("/dashboard/launch/create");
        foreach (var page in Closed.Where(page => !page.IsAction))
        {
            var answer = await window.GetAsync(dashboard.OfA.PathOf(page.Template));
            var offered = actions.Where(action =>
                answer.Text.Contains($"action=\"{dashboard.OfA.PathOf(action)}\"", StringComparison.Ordinal)
            );

            // The launch form explains; what it is sent to refuses.
            Assert.Empty(page.Template == "/dashboard/launch" ? [] : offered);
        }
    }

    [Theory]
    [InlineData("/dashboard/providers/simulated/drain")]
    [InlineData("/dashboard/providers/simulated/undrain")]
    [InlineData("/dashboard/providers/simulated/refresh")]
    [InlineData("/dashboard/accounts/create")]
    [InlineData("/dashboard/accounts/{0}/top-up")]
    [InlineData("/dashboard/accounts/{0}/suspend")]
    [InlineData("/dashboard/accounts/{0}/resume")]
    [InlineData("/dashboard/accounts/{0}/update")]
    [InlineData("/dashboard/accounts/{0}/firewall")]
    public async Task What_operators_do_is_refused_to_accounts_their_own_too(string path)
    {
        using var window = await dashboard.OpenAsync(dashboard.KeyOfA);
        foreach (var whose in new[] { dashboard.OfA, dashboard.OfB, dashboard.OfNobody })
        {
            var answer = await window.PostAsync(
                string.Format(System.Globalization.CultureInfo.InvariantCulture, path, whose.Account),
                [.. whose.Fields, ("return", Window.PlainPage)]
            );
            var page = await window.FollowAsync(answer);
            Assert.Contains("PERMISSION_DENIED", page.Text);
            Assert.Contains("operator key", page.Text);
        }
    }

    [Fact]
    public async Task What_operators_see_is_refused_to_accounts_and_shown_to_operators()
    {
        using var window = await dashboard.OpenAsync(dashboard.KeyOfA);
        Assert.Equal(403, (await window.GetAsync("/dashboard/orleans/")).Status);
        var accounts = await window.GetAsync("/dashboard/accounts");
        Assert.Equal((302, "/dashboard/accounts/acct-a"), (accounts.Status, accounts.Location));
        Assert.DoesNotContain("orleans", (await window.GetAsync(Window.PlainPage)).Text);

        using var operators = await dashboard.OpenAsync(dashboard.Operator);
        Assert.Equal(200, (await operators.GetAsync("/dashboard/orleans/")).Status);
        Assert.Contains("acct-b", (await operators.GetAsync("/dashboard/accounts")).Text);
    }

    /// <summary>Since then no grain was asked but the one of the session's own key.</summary>
    private void AssertOnlyKeyOf(string token, int known, Page page) =>
        Assert.All(
            dashboard.Cluster.Calls.Skip(known),
            call => Assert.True(call == $"IKeyGrain/{ApiFixture.KeyIdOf(token)}", $"{page} asked {call}")
        );
}
