using Scheduler.Domain.Balancers;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Keys;
using Scheduler.Edge;
using Scheduler.Inference.Balancers;
using Xunit;
using static Scheduler.UnitTests.Inference.Balancers.PickerWorld;

namespace Scheduler.UnitTests.Inference.Balancers;

/// <summary>Selection of destinations: shares, ejection and return.</summary>
public sealed class DestinationPickerTests
{
    private static readonly BalancerSpec Pair = Group(GroupPolicy.WeightedRoundRobin, ("a", 1), ("b", 1));

    [Fact]
    public async Task Members_receive_requests_in_proportion_to_their_weights()
    {
        await using var world = new PickerWorld(Group(GroupPolicy.WeightedRoundRobin, ("a", 3), ("b", 1)));
        world.Put("a");
        world.Put("b");
        var went = await world.SendAsync(400);
        Assert.Equal((300, 100), (went.Count(name => name is "a"), went.Count(name => name is "b")));
    }

    [Fact]
    public async Task Least_outstanding_picks_the_member_with_the_fewest_open_requests()
    {
        await using var world = new PickerWorld(Group(GroupPolicy.LeastOutstanding, ("a", 1), ("b", 1)));
        world.Put("a");
        world.Put("b");
        using var first = (await world.AskAsync()).Lease!;
        for (var i = 0; i < 5; i++)
        {
            using var other = (await world.AskAsync()).Lease!;
            Assert.NotEqual(first.Instance.Id, other.Instance.Id);
        }

        first.Dispose();
        first.Dispose();
        using var next = (await world.AskAsync()).Lease!;
        Assert.Equal(first.Instance.Id, next.Instance.Id);
    }

    [Fact]
    public async Task A_failing_member_is_ejected_and_returns_with_a_growing_share()
    {
        await using var world = new PickerWorld(Pair);
        world.Put("a");
        world.Put("b");
        await world.SendAsync(4, name => name is not "a");

        Assert.All(await world.SendAsync(20), name => Assert.Equal("b", name));
        world.Clock.Advance(Calm.EjectFor - TimeSpan.FromMilliseconds(1));
        Assert.All(await world.SendAsync(20), name => Assert.Equal("b", name));

        world.Clock.Advance(TimeSpan.FromMilliseconds(1));
        Assert.InRange((await world.SendAsync(110)).Count(name => name is "a"), 9, 11);
        world.Clock.Advance(Calm.SlowReturn / 2);
        // Half of the slow return gives a share of 550 permille, so 550 of 1550 requests.
        Assert.InRange((await world.SendAsync(310)).Count(name => name is "a"), 108, 112);
        world.Clock.Advance(Calm.SlowReturn / 2);
        Assert.InRange((await world.SendAsync(100)).Count(name => name is "a"), 49, 51);
    }

    [Fact]
    public async Task A_failure_during_the_slow_return_doubles_the_ejection_time()
    {
        await using var world = new PickerWorld(Pair);
        world.Put("a");
        world.Put("b");
        await world.SendAsync(4, name => name is not "a");
        world.Clock.Advance(Calm.EjectFor);
        await world.SendAsync(30, name => name is not "a");

        world.Clock.Advance(Calm.EjectFor);
        Assert.All(await world.SendAsync(20), name => Assert.Equal("b", name));
        world.Clock.Advance(Calm.EjectFor);
        Assert.Contains("a", await world.SendAsync(20));
    }

    [Fact]
    public async Task When_all_members_fail_one_stays_in_use()
    {
        await using var world = new PickerWorld(Pair);
        world.Put("a");
        world.Put("b");
        var went = await world.SendAsync(40, _ => false);
        Assert.Single(went.Skip(20).Distinct());
    }

    [Fact]
    public async Task A_member_that_stops_running_gets_no_requests_and_a_new_run_starts_healthy()
    {
        await using var world = new PickerWorld(Pair);
        world.Put("a");
        world.Put("b");
        await world.SendAsync(4, name => name is not "a");
        world.Put("b", InstanceState.Failed, failure: OutOfMemory());

        var none = await world.AskAsync();
        Assert.Equal(FailureCode.NoHealthyDestination, none.Refusal!.Code);
        Assert.StartsWith("ejected until", none.Refusal.Details["destination.a"], StringComparison.Ordinal);
        Assert.StartsWith("failed: ", none.Refusal.Details["destination.b"], StringComparison.Ordinal);

        world.Put("a", run: 2);
        Assert.All(await world.SendAsync(10), name => Assert.Equal("a", name));
        world.Put("b", run: 2);
        Assert.Equal(5, (await world.SendAsync(10)).Count(name => name is "b"));
    }

    [Fact]
    public async Task Failures_of_an_earlier_run_do_not_count_for_the_current_run()
    {
        await using var world = new PickerWorld(Pair);
        world.Put("a");
        world.Put("b");
        var leases = new List<IDestinationLease>();
        for (var i = 0; i < 8; i++)
        {
            leases.Add((await world.AskAsync()).Lease!);
        }

        world.Put("a", run: 2);
        await world.SendAsync(2);
        foreach (var lease in leases.Where(lease => lease.Instance.ServingName is "a"))
        {
            lease.Failed();
            lease.Dispose();
        }

        Assert.Contains("a", await world.SendAsync(10));
    }

    [Fact]
    public async Task An_answer_that_breaks_off_after_a_good_start_is_a_failure()
    {
        await using var world = new PickerWorld(Pair);
        world.Put("a");
        world.Put("b");
        for (var i = 0; i < 4; i++)
        {
            using var lease = (await world.AskAsync()).Lease!;
            lease.Succeeded();
            if (lease.Instance.ServingName is "a")
            {
                lease.Failed();
                lease.Failed();
            }
        }

        Assert.All(await world.SendAsync(10), name => Assert.Equal("b", name));
    }

    [Fact]
    public async Task A_request_cancelled_by_its_caller_does_not_affect_health()
    {
        await using var world = new PickerWorld(Pair);
        world.Put("a");
        world.Put("b");
        for (var i = 0; i < 50; i++)
        {
            (await world.AskAsync()).Lease!.Dispose();
        }

        Assert.Equal(5, (await world.SendAsync(10)).Count(name => name is "a"));
    }

    [Fact]
    public async Task A_tried_destination_is_not_picked_again_and_the_next_route_is_used()
    {
        var spec = Pair with
        {
            Routes =
            [
                new BalancerRoute { Name = "main", Group = "g" },
                new BalancerRoute
                {
                    Name = "spare",
                    Instance = "c",
                    IsDefault = true,
                },
            ],
        };
        await using var world = new PickerWorld(spec);
        world.Put("a");
        world.Put("b");
        world.Put("c");
        var question = world.Question();
        var tried = (HashSet<InstanceId>)question.Tried;
        var went = new List<string>();
        while ((await world.AskAsync(question)).Lease is { } lease)
        {
            went.Add(lease.Instance.ServingName);
            tried.Add(lease.Instance.Id);
            lease.Dispose();
        }

        Assert.Equal(["a", "b", "c"], went.Take(2).Order().Append(went[2]));
        var refusal = (await world.AskAsync(question)).Refusal!;
        Assert.Equal("failed this request before its first byte", refusal.Details["destination.c"]);
    }

    [Fact]
    public async Task Enabled_routes_are_used_by_priority_and_the_default_route_last()
    {
        BalancerRoute To(string name, int priority) =>
            new()
            {
                Name = name,
                Instance = name,
                Priority = priority,
            };
        var spec = new BalancerSpec
        {
            Routes =
            [
                To("last", 0) with
                {
                    IsDefault = true,
                },
                To("second", 2),
                To("off", 0) with
                {
                    Enabled = false,
                },
                To("first", 1),
            ],
            Health = Calm,
        };
        await using var world = new PickerWorld(spec);
        foreach (var name in new[] { "first", "second", "last", "off" })
        {
            world.Put(name);
        }

        Assert.Equal(["first"], (await world.SendAsync(5)).Distinct());
        world.Put("first", InstanceState.Stopping);
        Assert.Equal(["second"], (await world.SendAsync(5)).Distinct());
        world.Remove("second");
        Assert.Equal(["last"], (await world.SendAsync(5)).Distinct());
        world.Put("last", InstanceState.Starting);

        var refusal = (await world.AskAsync()).Refusal!;
        Assert.Equal("3", refusal.Details["destinations_total"]);
        Assert.Equal("stopping", refusal.Details["destination.first"]);
        Assert.Equal("no instance has this name", refusal.Details["destination.second"]);
        Assert.Equal("starting", refusal.Details["destination.last"]);
        Assert.StartsWith("Wait until `last` runs", refusal.Hint, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_taken_over_by_a_balancer_is_no_longer_a_destination()
    {
        await using var world = new PickerWorld(Pair);
        world.PutBalancer("a");
        world.Put("b");
        Assert.All(await world.SendAsync(10), name => Assert.Equal("b", name));
    }

    [Fact]
    public async Task A_balancer_update_applies_to_the_next_request_and_keeps_health_state()
    {
        await using var world = new PickerWorld(Pair);
        world.Put("a");
        world.Put("b");
        world.Put("c");
        await world.SendAsync(4, name => name is not "a");
        world.Change(Group(GroupPolicy.WeightedRoundRobin, ("a", 1), ("b", 1), ("c", 1)));

        Assert.Equal(["b", "c"], (await world.SendAsync(10)).Distinct().Order());
        world.Change(Group(GroupPolicy.WeightedRoundRobin, ("c", 1)));
        Assert.Equal(["c"], (await world.SendAsync(10)).Distinct());
    }

    [Fact]
    public async Task The_gateway_reports_health_and_failures_to_the_balancer_grain()
    {
        await using var world = new PickerWorld(Pair);
        world.Put("a");
        using (var lease = (await world.AskAsync()).Lease!)
        {
            lease.Failed();
            lease.Explained(ApiError.Of(OutOfMemory()));
            await world.UntilAsync(() => world.Grain.Reports.Count > 0, "the grain receives a report");
        }

        var report = world.Grain.Reports[0];
        var failure = Assert.Single(report.Failures);
        Assert.Equal(("a", new InstanceId("i-a")), (failure.ServingName, failure.Instance!.Value));
        Assert.Equal((OutOfMemory().Code, OutOfMemory().Hint), (failure.Code, failure.Hint));
        Assert.Equal("req-1", failure.RequestId.Value);
        Assert.Equal(["a", "b"], report.Destinations.Select(destination => destination.ServingName));
        Assert.Equal((1, 1), (report.Destinations[0].Outstanding, report.Destinations[0].FailuresInARow));
        Assert.Null(report.Destinations[1].Instance);
        Assert.DoesNotContain(Environment.MachineName, report.Gateway, StringComparison.OrdinalIgnoreCase);
    }

    private static Failure OutOfMemory() =>
        FailureCatalogue.Describe(new OverloadFacts("requests", 7, 1)) with
        {
            Code = FailureCode.OomKilled,
        };
}
