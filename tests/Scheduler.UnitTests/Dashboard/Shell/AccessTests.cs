using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Shell;

/// <summary>Access control over all pages and actions: a new one is included automatically.</summary>
public sealed class AccessTests(DashboardFixture dashboard) : IClassFixture<DashboardFixture>
{
    /// <summary>Pages and actions that need no session.</summary>
    private static readonly string[] Open = ["/dashboard/sign-in", "/dashboard/session", "/dashboard/sign-out"];

    /// <summary>Forms that change nothing, so that a viewer may send them.</summary>
    private static readonly string[] Looks = ["/dashboard/launch/explain", "/dashboard/launch/look"];

    private IEnumerable<Page> Actions => dashboard.Pages.Where(page => page.IsAction);

    private IEnumerable<Page> Closed => dashboard.Pages.Where(page => !Open.Contains(page.Template));

    [Fact]
    public void The_tests_find_all_pages_and_actions()
    {
        Assert.True(Actions.Count() >= 20, string.Join('\n', Actions));
        Assert.Contains(dashboard.Pages, page => page.Template == "/dashboard/instances/{Id}");
        Assert.All(Looks.Concat(Open), path => Assert.Contains(dashboard.Pages, page => page.Template == path));
    }

    [Fact]
    public async Task Without_a_session_every_page_and_action_redirects_to_sign_in()
    {
        using var browser = dashboard.Open();
        var token = await browser.TokenAsync();
        var known = dashboard.Cluster.Calls.Count;
        foreach (var page in Closed)
        {
            var path = dashboard.OfA.PathOf(page.Template);
            var answers = new List<Browser.Answer>();
            if (!page.IsAction)
            {
                answers.Add(await browser.GetAsync(path));
            }

            if (page.IsForm)
            {
                answers.Add(await browser.PostWithAsync(token, path, dashboard.OfA.Fields));
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
    public async Task A_form_without_a_valid_token_is_refused_before_it_reaches_a_grain()
    {
        using var browser = await dashboard.OpenAsync(dashboard.Operator);
        using var other = await dashboard.OpenAsync(dashboard.KeyOfA);
        var stolen = await other.TokenAsync();
        foreach (var page in dashboard.Pages.Where(page => page.IsForm))
        {
            foreach (var token in new[] { null, "", "CfDJ8", stolen })
            {
                var before = dashboard.StateOf(dashboard.OfA);
                var known = dashboard.Cluster.Calls.Count;
                var answer = await browser.PostWithAsync(
                    token,
                    dashboard.OfA.PathOf(page.Template),
                    [.. dashboard.OfA.Fields, ("key", dashboard.KeyOfA)]
                );
                Assert.True(answer.Status == 400, $"{page}: {answer.Status} {answer.Text}");
                AssertOnlyKeyOf(dashboard.Operator, known, page);
                Assert.Equal(before, dashboard.StateOf(dashboard.OfA));
            }
        }

        // No request has changed the session.
        Assert.Contains(ApiFixture.KeyIdOf(dashboard.Operator), (await browser.GetAsync(Browser.PlainPage)).Text);
    }

    [Fact]
    public async Task A_form_that_no_page_contains_is_refused_by_every_page()
    {
        using var browser = await dashboard.OpenAsync(dashboard.Operator);
        var token = await browser.TokenAsync();
        foreach (var page in dashboard.Pages.Where(page => page is { IsForm: true, IsAction: false }))
        {
            var answer = await browser.PostWithAsync(token, dashboard.OfA.PathOf(page.Template), ("_handler", "x"));
            Assert.True(answer.Status is 400 or 404, $"{page}: {answer.Status}");
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_viewer_is_refused_every_action_before_it_reaches_a_grain(bool isOperator)
    {
        var key = await dashboard.KeyAsync(isOperator ? null : new AccountId("acct-a"), KeyRole.Viewer);
        using var browser = await dashboard.OpenAsync(key);
        var token = await browser.TokenAsync();
        foreach (var action in Actions.Where(page => !Open.Contains(page.Template) && !Looks.Contains(page.Template)))
        {
            var known = dashboard.Cluster.Calls.Count;
            var answer = await browser.PostWithAsync(
                token,
                dashboard.OfA.PathOf(action.Template),
                [.. dashboard.OfA.Fields, ("return", Browser.PlainPage)]
            );
            Assert.True(answer.Status == 303, $"{action}: {answer.Status} {answer.Text}");
            AssertOnlyKeyOf(key, known, action);
            var page = await browser.FollowAsync(answer);
            Assert.Contains("PERMISSION_DENIED", page.Text);
            Assert.Contains("is a viewer&#x27;s", page.Text);
            Assert.Contains("full key", page.Text);
        }
    }

    [Fact]
    public async Task A_viewer_may_explain_a_launch()
    {
        var key = await dashboard.KeyAsync(new AccountId("acct-a"), KeyRole.Viewer);
        using var browser = await dashboard.OpenAsync(key);
        var before = dashboard.StateOf(dashboard.OfA);
        foreach (var path in Looks)
        {
            var answer = await browser.PostAsync(path, dashboard.OfA.Fields);
            Assert.True(answer.Status is 200 or 303, $"{path}: {answer.Status}");
        }

        Assert.Equal(before, dashboard.StateOf(dashboard.OfA));
    }

    [Fact]
    public async Task A_viewer_sees_every_page_without_buttons_that_change_something()
    {
        var key = await dashboard.KeyAsync(new AccountId("acct-a"), KeyRole.Viewer);
        using var browser = await dashboard.OpenAsync(key);
        var actions = Actions
            .Select(page => page.Template)
            .Except(Looks)
            .Except(Open)
            .Append("/dashboard/launch/create");
        foreach (var page in Closed.Where(page => !page.IsAction))
        {
            var answer = await browser.GetAsync(dashboard.OfA.PathOf(page.Template));
            var offered = actions.Where(action =>
                answer.Text.Contains($"action=\"{dashboard.OfA.PathOf(action)}\"", StringComparison.Ordinal)
            );

            // The launch form is shown because a viewer may explain a launch; its create action is refused.
            Assert.Empty(page.Template == "/dashboard/launch" ? [] : offered);
        }
    }

    [Theory]
    [InlineData("/dashboard/providers/simulated/drain")]
    [InlineData("/dashboard/providers/simulated/undrain")]
    [InlineData("/dashboard/providers/simulated/refresh")]
    [InlineData("/dashboard/hosts/gpu-1/drain")]
    [InlineData("/dashboard/hosts/gpu-1/undrain")]
    [InlineData("/dashboard/hosts/gpu-1/remove")]
    [InlineData("/dashboard/join-tokens")]
    [InlineData("/dashboard/join-tokens/aaaaaaaaaaaa/delete")]
    [InlineData("/dashboard/accounts/create")]
    [InlineData("/dashboard/accounts/{0}/top-up")]
    [InlineData("/dashboard/accounts/{0}/suspend")]
    [InlineData("/dashboard/accounts/{0}/resume")]
    [InlineData("/dashboard/accounts/{0}/update")]
    [InlineData("/dashboard/accounts/{0}/firewall")]
    public async Task Operator_actions_are_refused_to_accounts_even_for_their_own_account(string path)
    {
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfA);
        foreach (var resources in new[] { dashboard.OfA, dashboard.OfB, dashboard.Missing })
        {
            var answer = await browser.PostAsync(
                string.Format(System.Globalization.CultureInfo.InvariantCulture, path, resources.Account),
                [.. resources.Fields, ("return", Browser.PlainPage)]
            );
            var page = await browser.FollowAsync(answer);
            Assert.Contains("PERMISSION_DENIED", page.Text);
            Assert.Contains("operator key", page.Text);
        }
    }

    [Fact]
    public async Task Operator_pages_are_refused_to_accounts_and_shown_to_operators()
    {
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfA);
        Assert.Equal(403, (await browser.GetAsync("/dashboard/orleans/")).Status);
        var accounts = await browser.GetAsync("/dashboard/accounts");
        Assert.Equal((302, "/dashboard/accounts/acct-a"), (accounts.Status, accounts.Location));
        Assert.DoesNotContain("orleans", (await browser.GetAsync(Browser.PlainPage)).Text);

        using var operators = await dashboard.OpenAsync(dashboard.Operator);
        Assert.Equal(200, (await operators.GetAsync("/dashboard/orleans/")).Status);
        Assert.Contains("acct-b", (await operators.GetAsync("/dashboard/accounts")).Text);
    }

    /// <summary>The only grain calls since then are those of the key of the session.</summary>
    private void AssertOnlyKeyOf(string token, int known, Page page) =>
        Assert.All(
            dashboard.Cluster.Calls.Skip(known),
            call => Assert.True(call == $"IKeyGrain/{ApiFixture.KeyIdOf(token)}", $"{page} called {call}")
        );
}
