using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Scheduler.Domain.Balancers;

/// <summary>Where a balancer sends requests, and how it judges health. An update replaces it as a whole.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.BalancerSpec")]
public sealed record BalancerSpec
{
    [Id(0)]
    public RoutingMode RoutingMode { get; init; }

    /// <summary>Exactly one is the default.</summary>
    [Id(1)]
    public ImmutableArray<BalancerRoute> Routes { get; init; } = [];

    [Id(2)]
    public ImmutableArray<TargetGroup> Groups { get; init; } = [];

    /// <summary>The model that selects a route; null in <see cref="RoutingMode.Ordered"/>.</summary>
    [Id(3)]
    public RouterModel? Router { get; init; }

    /// <summary>Slug of the firewall for all requests through this balancer; null for none.</summary>
    [Id(4)]
    public string? Firewall { get; init; }

    [Id(5)]
    public HealthSettings Health { get; init; } = new();

    /// <summary>All instances that a request can reach, without duplicates, in the order of the spec.</summary>
    [JsonIgnore]
    public ImmutableArray<string> Destinations =>
        [
            .. Routes
                .SelectMany(route => MembersOf(route))
                .Select(member => member.ServingName)
                .Distinct(StringComparer.Ordinal),
        ];

    /// <summary>The members that a route leads to: those of its group, or its one instance.</summary>
    public ImmutableArray<GroupMember> MembersOf(BalancerRoute route) =>
        route.Instance is { } instance ? [new GroupMember(instance, 1)] : GroupOf(route)?.Members ?? [];

    /// <summary>The group that a route leads to; null when it leads to an instance.</summary>
    public TargetGroup? GroupOf(BalancerRoute route) =>
        Groups.FirstOrDefault(group => string.Equals(group.Name, route.Group, StringComparison.Ordinal));
}

public enum RoutingMode
{
    /// <summary>Tries the routes in order of priority, the default last.</summary>
    Ordered = 0,

    /// <summary>A model reads the prompt and names the route; when it names none, the default route is used.</summary>
    IntentClassifier = 1,
}

[GenerateSerializer, Immutable, Alias("scheduler.BalancerRoute")]
public sealed record BalancerRoute
{
    [Id(0)]
    public string Name { get; init; } = "";

    /// <summary>Which requests belong here, as text for the router model; empty without one.</summary>
    [Id(1)]
    public string Intent { get; init; } = "";

    /// <summary>Serving name of the instance it leads to; null when it leads to a group.</summary>
    [Id(2)]
    public string? Instance { get; init; }

    /// <summary>Name of the target group it leads to; null when it leads to an instance.</summary>
    [Id(3)]
    public string? Group { get; init; }

    /// <summary>Lower first, equal ones in the order of the spec; the default route is always last.</summary>
    [Id(4)]
    public int Priority { get; init; }

    /// <summary>Whether the route is used; always true for the default route.</summary>
    [Id(5)]
    public bool Enabled { get; init; } = true;

    /// <summary>Whether it takes the requests that no other route takes.</summary>
    [Id(6)]
    public bool IsDefault { get; init; }
}

[GenerateSerializer, Immutable, Alias("scheduler.TargetGroup")]
public sealed record TargetGroup
{
    [Id(0)]
    public string Name { get; init; } = "";

    [Id(1)]
    public GroupPolicy Policy { get; init; }

    /// <summary>Without duplicates.</summary>
    [Id(2)]
    public ImmutableArray<GroupMember> Members { get; init; } = [];

    /// <summary>
    /// Most requests in progress of a member with <see cref="GroupPolicy.Session"/> and <see cref="GroupPolicy.Prefix"/>,
    /// percent of the mean by weight; null for <see cref="Affinity.StandardBoundPercent"/>.
    /// </summary>
    [Id(3)]
    public int? LoadBoundPercent { get; init; }
}

public enum GroupPolicy
{
    WeightedRoundRobin = 0,

    /// <summary>The member with the fewest requests in progress relative to its weight is next.</summary>
    LeastOutstanding = 1,

    /// <summary>Requests of one session go to the same member while its load permits (<see cref="Affinity"/>).</summary>
    Session = 2,

    /// <summary>Requests whose prompts begin alike go to the same member while its load permits.</summary>
    Prefix = 3,
}

/// <param name="Weight">Relative share of the requests, 1 to 1000.</param>
[GenerateSerializer, Immutable, Alias("scheduler.GroupMember")]
public sealed record GroupMember([property: Id(0)] string ServingName, [property: Id(1)] int Weight);

/// <summary>The model that selects the route of a request.</summary>
/// <param name="Deadline">Maximum wait for its answer; after that the default route is used.</param>
[GenerateSerializer, Immutable, Alias("scheduler.RouterModel")]
public sealed record RouterModel([property: Id(0)] string ServingName, [property: Id(1)] TimeSpan Deadline);
