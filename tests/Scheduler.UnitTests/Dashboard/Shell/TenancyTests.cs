using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.DomainTests.Failures;
using Scheduler.UnitTests.Api;
using Xunit;

namespace Scheduler.UnitTests.Dashboard.Shell;

/// <summary>
/// INV-08, over everything there is: what is another account's reads as what does not exist, letter by letter but for what was asked. A new
/// page or action is in here the day it is mapped.
/// </summary>
public sealed class TenancyTests(DashboardFixture dashboard) : IClassFixture<DashboardFixture>
{
    /// <summary>Pages that take an account or an id in their query as well.</summary>
    private static readonly string[] Queries =
    [
        "/dashboard/instances?account={0}",
        "/dashboard/instances?q={1}",
        "/dashboard/balancers?account={0}",
        "/dashboard/firewalls?account={0}",
        "/dashboard/firewalls/rules?account={0}",
        "/dashboard/launch?account={0}&model=m",
        "/dashboard/launch?like={1}",
        "/dashboard/find?q={0}",
        "/dashboard/find?q={1}",
        "/dashboard/find?q={2}",
        "/dashboard/accounts?after={0}",
    ];

    public static TheoryData<bool> AsIfTheirOwn => [false, true];

    [Theory]
    [MemberData(nameof(AsIfTheirOwn))]
    public async Task A_page_about_anothers_is_the_page_about_nothing(bool isAsTheirOwn)
    {
        var (theirs, none) = Strangers(isAsTheirOwn);
        using var window = await dashboard.OpenAsync(dashboard.KeyOfA);
        foreach (var page in dashboard.Pages.Where(page => !page.IsAction && page.Template != "/dashboard/live"))
        {
            await AssertSameAsync(window, theirs, none, whose => whose.PathOf(page.Template));
        }
    }

    [Fact]
    public async Task So_it_is_where_it_is_asked_for_in_a_query()
    {
        using var window = await dashboard.OpenAsync(dashboard.KeyOfA);
        foreach (var query in Queries)
        {
            await AssertSameAsync(
                window,
                dashboard.OfB,
                dashboard.OfNobody,
                whose =>
                    string.Format(
                        System.Globalization.CultureInfo.InvariantCulture,
                        query,
                        whose.Account,
                        whose.Instance,
                        whose.Balancer
                    )
            );
        }
    }

    [Theory]
    [MemberData(nameof(AsIfTheirOwn))]
    public async Task An_action_on_anothers_does_nothing_and_says_what_it_says_of_nothing(bool isAsTheirOwn)
    {
        var (theirs, none) = Strangers(isAsTheirOwn);
        using var window = await dashboard.OpenAsync(dashboard.KeyOfA);
        var before = dashboard.StateOf(dashboard.OfB);
        var actions = dashboard.Pages.Where(page =>
            page.IsAction && page.Template is not ("/dashboard/session" or "/dashboard/sign-out")
        );
        foreach (var action in actions)
        {
            if (isAsTheirOwn && action.Template.EndsWith("/keys", StringComparison.Ordinal))
            {
                // That names nothing of anybody's: it makes a key of one's own.
                continue;
            }

            var said = new List<string>();
            foreach (var whose in new[] { theirs, none })
            {
                var answer = await window.PostAsync(
                    whose.PathOf(action.Template),
                    [.. whose.Fields, ("return", Window.PlainPage)]
                );
                var page = answer.Status == 303 ? await window.GetAsync(Window.PlainPage) : answer;
                said.Add(answer.Blind(whose) + page.Blind(whose));
            }

            Assert.True(said[0] == said[1], $"{action}\n{Difference(said[0], said[1])}");
        }

        Assert.Equal(before, dashboard.StateOf(dashboard.OfB));
    }

    [Fact]
    public async Task What_is_ones_own_is_shown_and_done()
    {
        using var window = await dashboard.OpenAsync(dashboard.KeyOfB);
        foreach (var page in dashboard.Pages.Where(page => !page.IsAction && page.Template.Contains('{')))
        {
            var answer = await window.GetAsync(dashboard.OfB.PathOf(page.Template));
            var isNothing = page.Template.Contains("path", StringComparison.Ordinal);
            Assert.True(answer.Status == (isNothing ? 404 : 200), $"{page}: {answer.Status} {answer.Text}");
        }

        var stopped = await window.PostAsync(
            $"/dashboard/instances/{dashboard.OfB.Instance}/stop",
            ("return", Window.PlainPage)
        );
        Assert.Contains("chat is stopped.", (await window.FollowAsync(stopped)).Text);
    }

    [Fact]
    public async Task Nobody_tops_up_their_own_account_by_a_remedy()
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
        using var window = await dashboard.OpenAsync(dashboard.KeyOfA);
        var page = await window.GetAsync($"/dashboard/instances/{id}");
        Assert.Equal(200, page.Status);
        Assert.DoesNotContain($"remedies/{remedy.Id}\"", page.Text);

        var answer = await window.PostAsync(
            $"/dashboard/instances/{id}/remedies/{remedy.Id}",
            ("generation", generation.ToString(System.Globalization.CultureInfo.InvariantCulture)),
            ("return", Window.PlainPage)
        );

        Assert.Contains("PERMISSION_DENIED", (await window.FollowAsync(answer)).Text);
        Assert.Equal(InstanceState.Failed, instance.Record.State);
    }

    private (Belongings Theirs, Belongings None) Strangers(bool isAsTheirOwn) =>
        isAsTheirOwn
            ? (dashboard.OfB.AsOf(dashboard.OfA.Account), dashboard.OfNobody.AsOf(dashboard.OfA.Account))
            : (dashboard.OfB, dashboard.OfNobody);

    private static async Task AssertSameAsync(
        Window window,
        Belongings theirs,
        Belongings none,
        Func<Belongings, string> path
    )
    {
        var (one, other) = (await window.GetAsync(path(theirs)), await window.GetAsync(path(none)));
        var (seen, wanted) = (one.Blind(theirs), other.Blind(none));
        Assert.True(seen == wanted, $"{path(theirs)}\n{Difference(seen, wanted)}");
        Assert.Equal(Names(other), Names(one));

        static IEnumerable<string> Names(Window.Answer answer) => answer.Headers.Keys.Order(StringComparer.Ordinal);
    }

    /// <summary>From where on they are not the same.</summary>
    private static string Difference(string seen, string wanted)
    {
        var at = seen.Zip(wanted).TakeWhile(pair => pair.First == pair.Second).Count();
        string From(string text) =>
            text.Substring(Math.Max(0, at - 80), Math.Min(300, text.Length - Math.Max(0, at - 80)));
        return $"theirs: {From(seen)}\nnobody's: {From(wanted)}";
    }
}
