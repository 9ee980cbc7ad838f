using System.Collections.Immutable;
using System.Globalization;

namespace Scheduler.Domain.Balancers;

/// <summary>Pure checks of a balancer's spec; its grain checks whether the named instances exist.</summary>
public static class BalancerValidation
{
    public const int MostRoutes = 32;

    public const int MostMembers = 32;

    /// <summary>Distinct instances over all routes: each gateway probes them, and a refusal names them.</summary>
    public const int MostDestinations = 32;

    /// <summary>Characters. Each prompt to the router model contains all intents.</summary>
    public const int LongestIntent = 500;

    public const int LargestWeight = 1000;

    public const int LargestPriority = 1000;

    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    /// <summary>In the order of the spec's fields.</summary>
    /// <param name="servingName">The balancer's serving name; none of its routes may lead to it.</param>
    public static ImmutableArray<SpecFault> FaultsOf(string servingName, BalancerSpec spec)
    {
        var faults = new List<SpecFault>();
        CheckRoutes(servingName, spec, faults);
        CheckGroups(servingName, spec, faults);
        CheckRouter(servingName, spec, faults);
        CheckHealth(spec.Health, faults);
        if (spec.Destinations.Length > MostDestinations)
        {
            faults.Add(
                new("spec", $"Leads to {spec.Destinations.Length} instances; accepted are at most {MostDestinations}.")
            );
        }

        return [.. faults];
    }

    private static void CheckRoutes(string servingName, BalancerSpec spec, List<SpecFault> faults)
    {
        var routes = spec.Routes;
        if (routes.Length is 0 or > MostRoutes)
        {
            faults.Add(new("spec.routes", $"Has {routes.Length} routes; accepted are 1 to {MostRoutes}."));
        }
        else if (routes.Count(route => route.IsDefault) is not 1 and var defaults)
        {
            faults.Add(new("spec.routes", $"Has {defaults} default routes; exactly one must be."));
        }

        for (var i = 0; i < routes.Length; i++)
        {
            var (at, route) = ($"spec.routes[{i}]", routes[i]);
            if (routes.Take(i).Any(earlier => Same(earlier.Name, route.Name)))
            {
                faults.Add(new($"{at}.name", $"`{route.Name}` is the name of another route already."));
            }

            CheckDestination(at, servingName, route, spec, faults);
            Range(faults, $"{at}.priority", route.Priority, 0, LargestPriority);
            if (route.Intent.Length > LongestIntent)
            {
                faults.Add(
                    new($"{at}.intent", $"Has {route.Intent.Length} characters; accepted are at most {LongestIntent}.")
                );
            }
            else if (spec.RoutingMode == RoutingMode.IntentClassifier && !route.IsDefault && route.Intent.Length == 0)
            {
                faults.Add(new($"{at}.intent", "Is required: the router model has nothing else to go by."));
            }

            if (route is { IsDefault: true, Enabled: false })
            {
                faults.Add(new($"{at}.enabled", "The default route takes what no other takes and cannot be disabled."));
            }
        }
    }

    private static void CheckDestination(
        string at,
        string servingName,
        BalancerRoute route,
        BalancerSpec spec,
        List<SpecFault> faults
    )
    {
        if (route.Instance is null == route.Group is null)
        {
            faults.Add(new($"{at}.instance", "Give exactly one of instance and target_group."));
        }
        else if (route.Group is { } group && spec.GroupOf(route) is null)
        {
            faults.Add(new($"{at}.target_group", $"There is no target group `{group}` in this balancer."));
        }
        else if (Same(route.Instance, servingName))
        {
            faults.Add(new($"{at}.instance", "A balancer cannot be its own destination."));
        }
    }

    private static void CheckGroups(string servingName, BalancerSpec spec, List<SpecFault> faults)
    {
        if (spec.Groups.Length > MostRoutes)
        {
            faults.Add(
                new("spec.target_groups", $"Has {spec.Groups.Length} groups; accepted are at most {MostRoutes}.")
            );
        }

        for (var i = 0; i < spec.Groups.Length; i++)
        {
            var (at, group) = ($"spec.target_groups[{i}]", spec.Groups[i]);
            if (spec.Groups.Take(i).Any(earlier => Same(earlier.Name, group.Name)))
            {
                faults.Add(new($"{at}.name", $"`{group.Name}` is the name of another target group already."));
            }

            if (group.Members.Length is 0 or > MostMembers)
            {
                faults.Add(
                    new($"{at}.members", $"Has {group.Members.Length} members; accepted are 1 to {MostMembers}.")
                );
            }

            CheckLoadBound($"{at}.load_bound_percent", group, faults);
            for (var m = 0; m < group.Members.Length; m++)
            {
                var (member, field) = (group.Members[m], $"{at}.members[{m}]");
                Range(faults, $"{field}.weight", member.Weight, 1, LargestWeight);
                if (group.Members.Take(m).Any(earlier => Same(earlier.ServingName, member.ServingName)))
                {
                    faults.Add(new($"{field}.instance", $"`{member.ServingName}` is a member already."));
                }
                else if (Same(member.ServingName, servingName))
                {
                    faults.Add(new($"{field}.instance", "A balancer cannot be its own destination."));
                }
            }
        }
    }

    private static void CheckLoadBound(string field, TargetGroup group, List<SpecFault> faults)
    {
        if (group.LoadBoundPercent is not { } bound)
        {
            return;
        }

        Range(faults, field, bound, Affinity.LeastBoundPercent, Affinity.MostBoundPercent);
        if (group.Policy is not (GroupPolicy.Session or GroupPolicy.Prefix))
        {
            faults.Add(new(field, "Goes with the policies SESSION and PREFIX only."));
        }
    }

    private static void CheckRouter(string servingName, BalancerSpec spec, List<SpecFault> faults)
    {
        if (spec.RoutingMode == RoutingMode.Ordered)
        {
            if (spec.Router is not null)
            {
                faults.Add(new("spec.router", "Goes with the routing mode INTENT_CLASSIFIER only."));
            }

            return;
        }

        if (spec.Router is not { } router)
        {
            faults.Add(new("spec.router", "Is required in the routing mode INTENT_CLASSIFIER."));
            return;
        }

        Range(faults, "spec.router.deadline", router.Deadline, TimeSpan.FromMilliseconds(50), TimeSpan.FromMinutes(1));
        if (Same(router.ServingName, servingName))
        {
            faults.Add(new("spec.router.instance", "A balancer cannot be its own router model."));
        }
    }

    private static void CheckHealth(HealthSettings health, List<SpecFault> faults)
    {
        const string at = "spec.health";
        if (health.ProbeInterval != TimeSpan.Zero)
        {
            Range(faults, $"{at}.probe_interval", health.ProbeInterval, Second, Hour);
        }

        Range(
            faults,
            $"{at}.probe_timeout",
            health.ProbeTimeout,
            TimeSpan.FromMilliseconds(100),
            TimeSpan.FromMinutes(1)
        );
        Range(faults, $"{at}.probe_failures", health.ProbeFailures, 1, 100);
        Range(faults, $"{at}.probe_successes", health.ProbeSuccesses, 1, 100);
        Range(faults, $"{at}.consecutive_failures", health.ConsecutiveFailures, 1, 1000);
        Range(faults, $"{at}.error_percent", health.ErrorPercent, 1, 100);
        Range(faults, $"{at}.minimum_requests", health.MinimumRequests, 1, 10_000);
        Range(faults, $"{at}.window", health.Window, Second, Hour);
        Range(faults, $"{at}.eject_for", health.EjectFor, Second, Hour);
        Range(faults, $"{at}.eject_at_most", health.EjectAtMost, Second, TimeSpan.FromHours(24));
        Range(faults, $"{at}.slow_return", health.SlowReturn, TimeSpan.Zero, Hour);
        Range(faults, $"{at}.most_ejected_percent", health.MostEjectedPercent, 0, 100);
        if (health.EjectAtMost < health.EjectFor)
        {
            faults.Add(new($"{at}.eject_at_most", "Must not be shorter than eject_for."));
        }
    }

    private static bool Same(string? one, string? other) =>
        one is not null && string.Equals(one, other, StringComparison.Ordinal);

    private static void Range(List<SpecFault> faults, string field, int value, int least, int most)
    {
        if (value < least || value > most)
        {
            faults.Add(
                new(field, string.Create(CultureInfo.InvariantCulture, $"Is {value}; accepted is {least} to {most}."))
            );
        }
    }

    private static void Range(List<SpecFault> faults, string field, TimeSpan value, TimeSpan least, TimeSpan most)
    {
        if (value < least || value > most)
        {
            faults.Add(
                new(
                    field,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"Is {value.TotalSeconds} s; accepted is {least.TotalSeconds} s to {most.TotalSeconds} s."
                    )
                )
            );
        }
    }
}

/// <param name="Field">Path of the field in API names, for example <c>spec.routes[0].name</c>.</param>
public sealed record SpecFault(string Field, string Description);
