using System.Collections.Immutable;
using FsCheck;
using FsCheck.Xunit;
using Scheduler.Domain.Services;
using Xunit;

namespace Scheduler.DomainTests.Services;

public sealed class SpotPlanTests
{
    private const double Ratio = 1 / 0.31;
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly SpotSettings Settings = new() { Policy = SpotPolicy.Preferred };

    [Fact]
    public void Replicas_are_spread_over_the_routes_that_lose_capacity_least_often()
    {
        var routes = Routes(("bad", 10, 20), ("good", 100, 1), ("best", 200, 1), ("unknown", 0, 0));

        var decision = Decide(4, [], routes);

        Assert.Equal(["best", "best", "good", "good"], decision.Spot);
        Assert.Equal(0, decision.OnDemand);
        Assert.Empty(decision.Stop);
    }

    [Fact]
    public void The_spread_bounds_the_replicas_of_one_route_as_long_as_another_may_be_asked()
    {
        var routes = Routes(("a", 100, 0), ("b", 10, 0), ("c", 1, 0), ("d", 1, 0));
        var wide = SpotPlan.Next(Settings with { Spread = 4 }, 4, [], routes, Ratio, new SpotState(), Noon);
        Assert.Equal(["a", "b", "c", "d"], wide.Spot);
        Assert.Equal(["a", "a", "a", "a"], Decide(4, [], Routes(("a", 0, 0))).Spot);
    }

    [Fact]
    public void On_demand_capacity_replaces_spot_that_is_not_to_be_had_and_goes_when_spot_is_ready()
    {
        var away = new SpotRouteStats().Refused(Noon);
        var routes = ImmutableSortedDictionary<string, SpotRouteStats>.Empty.Add("a", away);
        Assert.Equal(2, Decide(2, [], routes).OnDemand);

        var open = Routes(("a", 0, 0));
        var first = Decide(2, [], open);
        Assert.Equal((2, 0), (first.Spot.Length, first.OnDemand));
        var later = SpotPlan.Next(Settings, 2, [], open, Ratio, first.State, Noon + SpotPlan.SpotFirst);
        Assert.Equal(2, later.OnDemand);

        ImmutableArray<SpotReplica> booting = [Spot(1, "a", isReady: false), Spot(2, "a"), OnDemand(3), OnDemand(4)];
        Assert.Equal([4], Decide(2, booting, open).Stop);
        Assert.Equal([4, 3], Decide(2, [Spot(1, "a"), Spot(2, "a"), OnDemand(3), OnDemand(4)], open).Stop);
    }

    [Fact]
    public void A_replica_whose_end_is_announced_is_replaced_while_it_still_serves()
    {
        var routes = Routes(("a", 100, 1), ("b", 50, 1));
        ImmutableArray<SpotReplica> replicas = [Spot(1, "a") with { IsEnding = true }, Spot(2, "b")];

        var decision = Decide(2, replicas, routes);

        Assert.Equal(["b"], decision.Spot);
        Assert.Empty(decision.Stop);
    }

    [Fact]
    public void Spares_are_kept_besides_the_wanted_ones() =>
        Assert.Equal(
            6,
            SpotPlan
                .Next(
                    Settings with
                    {
                        Spares = 2,
                    },
                    4,
                    [],
                    Routes(("a", 0, 0), ("b", 0, 0)),
                    Ratio,
                    new SpotState(),
                    Noon
                )
                .Spot.Length
        );

    [Fact]
    public void A_replica_moves_to_a_much_better_route_and_stops_when_its_successor_is_ready()
    {
        var routes = Routes(("bad", 10, 10), ("good", 300, 1));
        var rich = new SpotState
        {
            At = Noon,
            Credit = 5,
            UsualRisk = 1000,
        };
        ImmutableArray<SpotReplica> replicas = [Spot(1, "bad"), Spot(2, "good")];

        var moving = SpotPlan.Next(Settings, 2, replicas, routes, Ratio, rich, Noon);
        Assert.Empty(moving.Spot); // At most one of two replicas on one route.
        moving = SpotPlan.Next(Settings with { Spread = 1 }, 2, replicas, routes, Ratio, rich, Noon);
        Assert.Equal(["good"], moving.Spot);
        Assert.Empty(moving.Stop);

        replicas = replicas.Add(Spot(3, "good"));
        Assert.Equal([1], SpotPlan.Next(Settings with { Spread = 1 }, 2, replicas, routes, Ratio, rich, Noon).Stop);
        var poor = rich with { Credit = -1 };
        Assert.Empty(
            SpotPlan.Next(Settings with { Spread = 1 }, 2, [.. replicas.Take(2)], routes, Ratio, poor, Noon).Spot
        );
    }

    [Property(MaxTest = 300)]
    public void Nothing_is_asked_of_a_closed_route_and_what_serves_is_never_stopped_below_the_wanted(
        byte wanted,
        byte[] kinds,
        byte[] losses,
        sbyte credit
    )
    {
        var routes = losses
            .Take(6)
            .Select(
                (lost, i) =>
                    (
                        $"r{i}",
                        Stats: new SpotRouteStats(
                            i * 10,
                            lost,
                            Noon,
                            lost % 3 == 0 ? Noon.AddMinutes(1) : null,
                            null,
                            null,
                            default
                        )
                    )
            )
            .ToImmutableSortedDictionary(r => r.Item1, r => r.Stats, StringComparer.Ordinal);
        var replicas = kinds
            .Take(12)
            .Select(
                (kind, i) =>
                    new SpotReplica(i, $"r{kind % 6}", kind % 2 == 0, kind % 3 != 0, kind % 5 == 0 && kind % 2 == 0)
            )
            .ToImmutableArray();
        var target = wanted % 9;
        var before = new SpotState
        {
            At = Noon.AddMinutes(-3),
            Credit = credit / 4.0,
            UsualRisk = 0.1,
        };

        var decision = SpotPlan.Next(Settings, target, replicas, routes, Ratio, before, Noon);

        Assert.All(decision.Spot, route => Assert.True(routes[route].MayBeAsked(Noon)));
        Assert.InRange(decision.OnDemand, 0, target);
        var stopped = decision.Stop.ToHashSet();
        Assert.Equal(decision.Stop.Length, stopped.Count);
        var lasting = replicas.Where(replica => !replica.IsEnding).ToList();
        var serving = lasting.Count(replica => replica.IsReady);
        var left = lasting.Count(replica => replica.IsReady && !stopped.Contains(replica.Id));
        Assert.True(left >= Math.Min(serving, target), $"{serving} serve, {left} are left of {target}");
        Assert.True(double.IsFinite(decision.State.Credit) && double.IsFinite(decision.State.UsualRisk));
        Assert.Equal(decision.Spot, SpotPlan.Next(Settings, target, replicas, routes, Ratio, before, Noon).Spot);
    }

    [Property]
    public void Losses_raise_and_hours_lower_the_expected_losses_and_both_fade(NonNegativeInt hours, byte lost)
    {
        var stats = new SpotRouteStats().Ran(TimeSpan.FromHours(hours.Get % 1000), Noon);
        for (var i = 0; i < lost % 20; i++)
        {
            stats = stats.Lost(Noon);
        }

        Assert.True(stats.Lost(Noon).LossesPerHour > stats.LossesPerHour);
        Assert.True(stats.Ran(TimeSpan.FromHours(1), Noon).LossesPerHour < stats.LossesPerHour);
        var later = stats.Ran(TimeSpan.Zero, Noon + SpotRouteStats.HalfLife);
        Assert.Equal(stats.Losses / 2, later.Losses, 9);
        Assert.Equal(stats.Hours / 2, later.Hours, 9);
    }

    [Fact]
    public void A_route_that_refuses_again_and_again_is_asked_ever_more_rarely_up_to_a_bound()
    {
        var (stats, now) = (new SpotRouteStats(), Noon);
        TimeSpan[] pauses = [.. Enumerable.Range(0, 5).Select(_ => Pause())];
        Assert.Equal([15, 30, 60, 60, 60], pauses.Select(pause => pause.TotalMinutes));
        Assert.True(stats.Given(now).MayBeAsked(now));
        Assert.Equal(now + SpotRouteStats.ShortestPause, stats.Given(now).Refused(now).AskAgainAt);

        TimeSpan Pause()
        {
            stats = stats.Refused(now);
            var pause = stats.AskAgainAt!.Value - now;
            Assert.False(stats.MayBeAsked(now));
            now = stats.AskAgainAt.Value;
            Assert.True(stats.MayBeAsked(now));
            return pause;
        }
    }

    private static SpotDecision Decide(
        int wanted,
        ImmutableArray<SpotReplica> replicas,
        ImmutableSortedDictionary<string, SpotRouteStats> routes
    ) => SpotPlan.Next(Settings, wanted, replicas, routes, Ratio, new SpotState(), Noon);

    private static SpotReplica Spot(int id, string route, bool isReady = true) => new(id, route, IsSpot: true, isReady);

    private static SpotReplica OnDemand(int id) => new(id, "od", IsSpot: false, IsReady: true);

    private static ImmutableSortedDictionary<string, SpotRouteStats> Routes(
        params ReadOnlySpan<(string Route, double Hours, double Losses)> known
    )
    {
        var routes = ImmutableSortedDictionary.CreateBuilder<string, SpotRouteStats>(StringComparer.Ordinal);
        foreach (var (route, hours, losses) in known)
        {
            routes[route] = new SpotRouteStats(hours, losses, Noon, null, null, null, default);
        }

        return routes.ToImmutable();
    }
}
