using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.DomainTests.Failures;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Shell;

/// <summary>
/// INV-08, over all pages and actions: an answer about a resource of another account equals the answer about a missing
/// one, except for the requested id. A new page or action is included automatically.
/// </summary>
public sealed class DashboardTenancyTests(DashboardFixture dashboard) : IClassFixture<DashboardFixture>
{
    /// <summary>Pages that accept an account or an id in their query.</summary>
    private static readonly string[] Queries =
    [
        "/dashboard/instances?account={0}",
        "/dashboard/instances?q={1}",
        "/dashboard/balancers?account={0}",
        "/dashboard/firewalls?account={0}",
        "/dashboard/firewalls/rules?account={0}",
        "/dashboard/launch?account={0}&model=m",
        "/dashboard/launch?like={1}",
        "/dashboard/models?account={0}",
        "/dashboard/search?q={0}",
        "/dashboard/search?q={1}",
        "/dashboard/find?q={0}",
        "/dashboard/find?q={1}",
        "/dashboard/find?q={2}",
        "/dashboard/accounts?after={0}",
    ];

    public static TheoryData<bool> UnderOwnAccount => [false, true];

    [Theory]
    [MemberData(nameof(UnderOwnAccount))]
    public async Task Pages_about_foreign_and_missing_resources_are_identical(bool isUnderOwnAccount)
    {
        var (theirs, none) = ForeignAndMissing(isUnderOwnAccount);
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfA);
        foreach (var page in dashboard.Pages.Where(page => !page.IsAction && page.Template != "/dashboard/live"))
        {
            await AssertSameAsync(browser, theirs, none, resources => resources.PathOf(page.Template));
        }
    }

    [Fact]
    public async Task Queries_for_foreign_and_missing_resources_give_identical_pages()
    {
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfA);
        foreach (var query in Queries)
        {
            await AssertSameAsync(
                browser,
                dashboard.OfB,
                dashboard.Missing,
                resources =>
                    string.Format(
                        System.Globalization.CultureInfo.InvariantCulture,
                        query,
                        resources.Account,
                        resources.Instance,
                        resources.Balancer
                    )
            );
        }
    }

    [Theory]
    [MemberData(nameof(UnderOwnAccount))]
    public async Task Actions_on_foreign_resources_change_nothing_and_answer_like_missing_ones(bool isUnderOwnAccount)
    {
        var (theirs, none) = ForeignAndMissing(isUnderOwnAccount);
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfA);
        var before = dashboard.StateOf(dashboard.OfB);
        var actions = dashboard.Pages.Where(page =>
            page.IsAction && page.Template is not ("/dashboard/session" or "/dashboard/sign-out")
        );
        foreach (var action in actions)
        {
            var end = action.Template[(action.Template.LastIndexOf('/') + 1)..];
            if (isUnderOwnAccount && end is "keys" or "secrets" or "stop-instances")
            {
                // These actions name no foreign resource: they act on the caller's own account.
                continue;
            }

            var said = new List<string>();
            foreach (var resources in new[] { theirs, none })
            {
                var answer = await browser.PostAsync(
                    resources.PathOf(action.Template),
                    [.. resources.Fields, ("return", Browser.PlainPage)]
                );
                var page = answer.Status == 303 ? await browser.GetAsync(Browser.PlainPage) : answer;
                said.Add(answer.WithoutIds(resources) + page.WithoutIds(resources));
            }

            Assert.True(said[0] == said[1], $"{action}\n{Difference(said[0], said[1])}");
        }

        Assert.Equal(before, dashboard.StateOf(dashboard.OfB));
    }

    [Fact]
    public async Task Own_resources_are_shown_and_can_be_changed()
    {
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfB);
        foreach (var page in dashboard.Pages.Where(page => !page.IsAction && page.Template.Contains('{')))
        {
            var answer = await browser.GetAsync(dashboard.OfB.PathOf(page.Template));
            var isNothing = page.Template.Contains("path", StringComparison.Ordinal);
            Assert.True(answer.Status == (isNothing ? 404 : 200), $"{page}: {answer.Status} {answer.Text}");
        }

        var stopped = await browser.PostAsync(
            $"/dashboard/instances/{dashboard.OfB.Instance}/stop",
            ("return", Browser.PlainPage)
        );
        Assert.Contains("The stop of chat was accepted.", (await browser.FollowAsync(stopped)).Text);
    }

    [Fact]
    public async Task A_remedy_cannot_top_up_the_callers_own_account()
    {
        var cluster = dashboard.Cluster;
        var id = new InstanceId("i-cccccccccccccccccccc");
        var instance = (FakeInstance)cluster.GetGrain<Scheduler.Grains.Instances.IInstanceGrain>(id.Value);
        instance.Put(
            new InstanceRecord
            {
                Account = new AccountId(dashboard.OfA.Account),
                ServingName = "poor",
                State = InstanceState.Failed,
                Failure = new FailureRecord
                {
                    Failure = SampleFacts.Failure<Scheduler.Domain.Billing.BelowMinimumFacts>(),
                },
                Generation = 1,
            }
        );
        var remedy = Assert.Single(Remedies.For(instance.Record), way => way.TopUp is not null);
        var generation = instance.Record.Generation;
        using var browser = await dashboard.OpenAsync(dashboard.KeyOfA);
        var page = await browser.GetAsync($"/dashboard/instances/{id}");
        Assert.Equal(200, page.Status);
        Assert.DoesNotContain($"remedies/{remedy.Id}\"", page.Text);

        var answer = await browser.PostAsync(
            $"/dashboard/instances/{id}/remedies/{remedy.Id}",
            ("generation", generation.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            ("return", Browser.PlainPage)
        );

        Assert.Contains("PERMISSION_DENIED", (await browser.FollowAsync(answer)).Text);
        Assert.Equal(InstanceState.Failed, instance.Record.State);
    }

    private (AccountResources Theirs, AccountResources None) ForeignAndMissing(bool isUnderOwnAccount) =>
        isUnderOwnAccount
            ? (dashboard.OfB.InAccount(dashboard.OfA.Account), dashboard.Missing.InAccount(dashboard.OfA.Account))
            : (dashboard.OfB, dashboard.Missing);

    private static async Task AssertSameAsync(
        Browser browser,
        AccountResources theirs,
        AccountResources none,
        Func<AccountResources, string> path
    )
    {
        var (one, other) = (await browser.GetAsync(path(theirs)), await browser.GetAsync(path(none)));
        var (seen, wanted) = (one.WithoutIds(theirs), other.WithoutIds(none));
        Assert.True(seen == wanted, $"{path(theirs)}\n{Difference(seen, wanted)}");
        Assert.Equal(Names(other), Names(one));

        static IEnumerable<string> Names(Browser.Answer answer) => answer.Headers.Keys.Order(StringComparer.Ordinal);
    }

    /// <summary>The texts around the first difference.</summary>
    private static string Difference(string seen, string wanted)
    {
        var at = seen.Zip(wanted).TakeWhile(pair => pair.First == pair.Second).Count();
        string From(string text) =>
            text.Substring(Math.Max(0, at - 80), Math.Min(300, text.Length - Math.Max(0, at - 80)));
        return $"theirs: {From(seen)}\nmissing: {From(wanted)}";
    }
}
