using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Scheduler.Domain.Balancers;

/// <summary>Where a balancer sends requests, and how it finds out who can take them. Replaced whole by an update.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.BalancerSpec")]
public sealed record BalancerSpec
{
    /// <summary>How a request finds its route.</summary>
    [Id(0)]
    public RoutingMode RoutingMode { get; init; }

    /// <summary>The routes; exactly one of them is the default.</summary>
    [Id(1)]
    public ImmutableArray<BalancerRoute> Routes { get; init; } = [];

    /// <summary>Groups that routes may name.</summary>
    [Id(2)]
    public ImmutableArray<TargetGroup> Groups { get; init; } = [];

    /// <summary>Who is asked for the route of a request; null in <see cref="RoutingMode.Ordered"/>.</summary>
    [Id(3)]
    public RouterModel? Router { get; init; }

    /// <summary>Slug of the firewall every request through this balancer passes; null for none.</summary>
    [Id(4)]
    public string? Firewall { get; init; }

    /// <summary>When a destination is out, and how it comes back.</summary>
    [Id(5)]
    public HealthSettings Health { get; init; } = new();

    /// <summary>Every instance a request may end at, each once, in the order of the spec.</summary>
    [JsonIgnore]
    public ImmutableArray<string> Destinations =>
        [
            .. Routes
                .SelectMany(route => MembersOf(route))
                .Select(member => member.ServingName)
                .Distinct(StringComparer.Ordinal),
        ];

    /// <summary>The members a route leads to: those of its group, or its one instance.</summary>
    /// <param name="route">A route of this spec.</param>
    public ImmutableArray<GroupMember> MembersOf(BalancerRoute route)
    {
        ArgumentNullException.ThrowIfNull(route);
        return route.Instance is { } instance ? [new GroupMember(instance, 1)] : GroupOf(route)?.Members ?? [];
    }

    /// <summary>The group a route leads to; null where it leads to an instance.</summary>
    /// <param name="route">A route of this spec.</param>
    public TargetGroup? GroupOf(BalancerRoute route)
    {
        ArgumentNullException.ThrowIfNull(route);
        return Groups.FirstOrDefault(group => string.Equals(group.Name, route.Group, StringComparison.Ordinal));
    }
}

/// <summary>How a request finds its route.</summary>
public enum RoutingMode
{
    /// <summary>The routes are tried in order of priority, the default last.</summary>
    Ordered = 0,

    /// <summary>A model reads the prompt and names the route; when it names none, the default is taken.</summary>
    IntentClassifier = 1,
}

/// <summary>One way a request may go.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.BalancerRoute")]
public sealed record BalancerRoute
{
    /// <summary>Unique in the balancer.</summary>
    [Id(0)]
    public string Name { get; init; } = "";

    /// <summary>Which requests belong here, in words for the router model; empty where no model is asked.</summary>
    [Id(1)]
    public string Intent { get; init; } = "";

    /// <summary>Serving name of the instance it leads to; null where it leads to a group.</summary>
    [Id(2)]
    public string? Instance { get; init; }

    /// <summary>Name of the target group it leads to; null where it leads to an instance.</summary>
    [Id(3)]
    public string? Group { get; init; }

    /// <summary>Lower ones first; equals in the order of the spec. Says nothing of the default route, which is always last.</summary>
    [Id(4)]
    public int Priority { get; init; }

    /// <summary>Whether it is taken at all; the default route must be.</summary>
    [Id(5)]
    public bool Enabled { get; init; } = true;

    /// <summary>Whether it takes what no other route takes.</summary>
    [Id(6)]
    public bool IsDefault { get; init; }
}

/// <summary>Instances that share the requests of a route.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.TargetGroup")]
public sealed record TargetGroup
{
    /// <summary>Unique in the balancer.</summary>
    [Id(0)]
    public string Name { get; init; } = "";

    /// <summary>How they share.</summary>
    [Id(1)]
    public GroupPolicy Policy { get; init; }

    /// <summary>Who they are, each once.</summary>
    [Id(2)]
    public ImmutableArray<GroupMember> Members { get; init; } = [];
}

/// <summary>How the members of a group share requests.</summary>
public enum GroupPolicy
{
    /// <summary>Each gets its share in turn, by weight.</summary>
    WeightedRoundRobin = 0,

    /// <summary>The one with the fewest requests under way for its weight is next.</summary>
    LeastOutstanding = 1,
}

/// <summary>One member of a group.</summary>
/// <param name="ServingName">An instance of the account.</param>
/// <param name="Weight">Its share in relation to the others', 1 to 1000.</param>
[GenerateSerializer, Immutable, Alias("scheduler.GroupMember")]
public sealed record GroupMember([property: Id(0)] string ServingName, [property: Id(1)] int Weight);

/// <summary>Who is asked for the route of a request.</summary>
/// <param name="ServingName">An instance of the account.</param>
/// <param name="Deadline">How long its answer is waited for before the default route is taken.</param>
[GenerateSerializer, Immutable, Alias("scheduler.RouterModel")]
public sealed record RouterModel([property: Id(0)] string ServingName, [property: Id(1)] TimeSpan Deadline);
