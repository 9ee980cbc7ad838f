using System.Collections.Immutable;
using Scheduler.Domain.Balancers;
using Xunit;

namespace Scheduler.DomainTests.Balancers;

public sealed class BalancerChecksTests
{
    private static readonly BalancerSpec Good = new()
    {
        RoutingMode = RoutingMode.IntentClassifier,
        Routes =
        [
            new BalancerRoute
            {
                Name = "code",
                Intent = "questions about programs",
                Group = "coders",
            },
            new BalancerRoute
            {
                Name = "rest",
                Instance = "chat",
                IsDefault = true,
            },
        ],
        Groups = [new TargetGroup { Name = "coders", Members = [new("coder-a", 3), new("coder-b", 1)] }],
        Router = new RouterModel("router", TimeSpan.FromSeconds(2)),
    };

    private static string[] Faults(BalancerSpec spec, string name = "front") =>
        [.. BalancerValidation.FaultsOf(name, spec).Select(fault => fault.Field)];

    [Theory]
    [InlineData(GroupPolicy.Session, 100, 0)]
    [InlineData(GroupPolicy.Prefix, 1000, 0)]
    [InlineData(GroupPolicy.Prefix, 99, 1)]
    [InlineData(GroupPolicy.Session, 1001, 1)]
    [InlineData(GroupPolicy.LeastOutstanding, 200, 1)]
    public void A_load_bound_goes_with_the_policies_that_remember(GroupPolicy policy, int bound, int faults)
    {
        var group = Good.Groups[0] with { Policy = policy, LoadBoundPercent = bound };
        Assert.Equal(
            Enumerable.Repeat("spec.target_groups[0].load_bound_percent", faults),
            Faults(Good with { Groups = [group] })
        );
    }

    [Fact]
    public void A_valid_spec_has_no_errors() => Assert.Empty(Faults(Good));

    [Fact]
    public void All_validation_errors_are_reported_at_once()
    {
        var spec = new BalancerSpec
        {
            RoutingMode = RoutingMode.IntentClassifier,
            Routes =
            [
                new BalancerRoute
                {
                    Name = "a",
                    Group = "nobody",
                    Priority = -1,
                },
                new BalancerRoute
                {
                    Name = "a",
                    Intent = "x",
                    Instance = "front",
                },
                new BalancerRoute
                {
                    Name = "c",
                    Intent = new string('x', 501),
                    Instance = "chat",
                    Group = "g",
                },
            ],
            Groups =
            [
                new TargetGroup { Name = "g", Members = [new("m", 0), new("m", 1), new("front", 1001)] },
                new TargetGroup { Name = "g" },
            ],
            Health = new HealthSettings
            {
                ProbeInterval = TimeSpan.FromMilliseconds(1),
                ErrorPercent = 101,
                EjectFor = TimeSpan.FromMinutes(2),
                EjectAtMost = TimeSpan.FromMinutes(1),
            },
        };

        Assert.Equal(
            [
                "spec.routes",
                "spec.routes[0].target_group",
                "spec.routes[0].priority",
                "spec.routes[0].intent",
                "spec.routes[1].name",
                "spec.routes[1].instance",
                "spec.routes[2].instance",
                "spec.routes[2].intent",
                "spec.target_groups[0].members[0].weight",
                "spec.target_groups[0].members[1].instance",
                "spec.target_groups[0].members[2].weight",
                "spec.target_groups[0].members[2].instance",
                "spec.target_groups[1].name",
                "spec.target_groups[1].members",
                "spec.router",
                "spec.health.probe_interval",
                "spec.health.error_percent",
                "spec.health.eject_at_most",
            ],
            Faults(spec)
        );
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    public void Exactly_one_route_must_be_the_default(int defaults)
    {
        var spec = Good with
        {
            Routes = [.. Good.Routes.Select((r, i) => r with { Intent = "x", IsDefault = i < defaults })],
        };
        Assert.Equal(["spec.routes"], Faults(spec));
    }

    [Fact]
    public void The_default_route_cannot_be_disabled() =>
        Assert.Equal(
            ["spec.routes[1].enabled"],
            Faults(Good with { Routes = [Good.Routes[0], Good.Routes[1] with { Enabled = false }] })
        );

    [Fact]
    public void A_router_model_needs_the_classifier_mode_and_is_not_the_balancer_itself()
    {
        Assert.Equal(["spec.router"], Faults(Good with { RoutingMode = RoutingMode.Ordered }));
        Assert.Equal(["spec.router.instance"], Faults(Good, "router"));
        Assert.Equal(["spec.router.deadline"], Faults(Good with { Router = new RouterModel("router", TimeSpan.Zero) }));
    }

    [Fact]
    public void A_spec_needs_a_route_and_has_a_limited_number_of_instances()
    {
        Assert.Equal(["spec.routes"], Faults(new BalancerSpec()));
        ImmutableArray<GroupMember> Members(string prefix) =>
            [.. Enumerable.Range(0, 20).Select(i => new GroupMember($"{prefix}{i}", 1))];
        var spec = Good with
        {
            Groups = [Good.Groups[0] with { Members = Members("a") }, new() { Name = "other", Members = Members("b") }],
            Routes = [Good.Routes[0], Good.Routes[1] with { Instance = null, Group = "other" }],
        };
        Assert.Equal(["spec"], Faults(spec));
    }

    [Fact]
    public void Enabled_routes_are_tried_by_priority_and_the_default_route_last()
    {
        BalancerRoute Route(string name, int priority, bool enabled = true, bool isDefault = false) =>
            new()
            {
                Name = name,
                Priority = priority,
                Enabled = enabled,
                IsDefault = isDefault,
                Instance = name,
            };
        var spec = new BalancerSpec
        {
            Routes =
            [
                Route("default", 0, isDefault: true),
                Route("c", 2),
                Route("off", 0, enabled: false),
                Route("a", 1),
                Route("b", 1),
            ],
        };
        Assert.Equal(["a", "b", "c", "default"], RouteOrder.Of(spec).Select(route => route.Name));
        Assert.Equal(["c", "default"], RouteOrder.Of(spec, spec.Routes[1]).Select(route => route.Name));
        Assert.Equal(["default"], RouteOrder.Of(spec, spec.Routes[0]).Select(route => route.Name));
        Assert.Equal(["default"], RouteOrder.Of(spec, null).Select(route => route.Name));
    }
}
