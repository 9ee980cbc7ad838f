using Google.Protobuf.WellKnownTypes;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Firewalls;
using Scheduler.Edge;

namespace Scheduler.Api.Balancers;

/// <summary>
/// Validates requests about balancers: syntax here, meaning in <see cref="BalancerValidation"/>. One response reports all
/// errors.
/// </summary>
internal static class BalancerRequestValidation
{
    private const string Name = "1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit";
    private static readonly TimeSpan LongestTime = TimeSpan.FromHours(24);

    public static IEnumerable<RequestValidator> All { get; } =
    [
        RequestValidator.For<CreateBalancerRequest>(r => r.Parent, Check),
        RequestValidator.For<GetBalancerRequest>(r => r.Name, (r, f) => f.CheckBalancer("name", r.Name)),
        RequestValidator.For<ListBalancersRequest>(r => r.Parent, Check),
        RequestValidator.For<UpdateBalancerRequest>(r => r.Name, Check),
        RequestValidator.For<DeleteBalancerRequest>(r => r.Name, (r, f) => f.CheckBalancer("name", r.Name)),
        RequestValidator.For<ListBalancerEventsRequest>(r => r.Parent, Check),
    ];

    public static string Query(string parent) => $"balancers|{parent}";

    public static string EventsQuery(string parent) => $"balancer-events|{parent}";

    private static void Check(CreateBalancerRequest request, Faults faults)
    {
        faults.CheckAccount("parent", request.Parent);
        faults.CheckName("serving_name", request.ServingName);
        faults.CheckSpec(request.ServingName, request.Spec);
        faults.CheckRequestId("request_id", request.RequestId);
    }

    private static void Check(UpdateBalancerRequest request, Faults faults)
    {
        faults.CheckBalancer("name", request.Name);
        faults.CheckSpec("", request.Spec);
        if (request.HasIfGeneration)
        {
            faults.Range("if_generation", request.IfGeneration, 1, long.MaxValue);
        }
    }

    private static void Check(ListBalancersRequest request, Faults faults)
    {
        faults.CheckAccount("parent", request.Parent, mayBeAny: true);
        faults.CheckPage(request.PageSize, request.PageToken, Query(request.Parent), Grammar.IsBalancerId);
    }

    private static void Check(ListBalancerEventsRequest request, Faults faults)
    {
        faults.CheckBalancer("parent", request.Parent);
        faults.CheckPage(request.PageSize, request.PageToken, EventsQuery(request.Parent), Paging.IsNumber);
    }

    private static void CheckSpec(this Faults faults, string servingName, V1.BalancerSpec? spec)
    {
        if (spec is null)
        {
            faults.Add("spec", "Is required.");
            return;
        }

        if (spec.RoutingMode is not (V1.RoutingMode.Ordered or V1.RoutingMode.IntentClassifier))
        {
            faults.Add("spec.routing_mode", "Must be ROUTING_MODE_ORDERED or ROUTING_MODE_INTENT_CLASSIFIER.");
        }

        faults.CheckRoutes(spec);
        faults.CheckGroups(spec);
        if (spec.Router is { } router)
        {
            faults.CheckName("spec.router.instance", router.Instance);
            faults.CheckTime("spec.router.deadline", router.Deadline);
        }

        if (spec.Firewall.Length > 0 && !FirewallValidation.IsSlug(spec.Firewall))
        {
            faults.Add("spec.firewall", $"Must be {FirewallValidation.Slug}.");
        }

        var health = spec.Health ?? new V1.BalancerHealth();
        faults.CheckTime("spec.health.probe_interval", health.ProbeInterval);
        faults.CheckTime("spec.health.probe_timeout", health.ProbeTimeout);
        faults.CheckTime("spec.health.window", health.Window);
        faults.CheckTime("spec.health.eject_for", health.EjectFor);
        faults.CheckTime("spec.health.eject_at_most", health.EjectAtMost);
        faults.CheckTime("spec.health.slow_return", health.SlowReturn);

        // A list that is too long is one validation error; its members are not checked.
        if (
            spec.Routes.Count <= BalancerValidation.MostRoutes
            && spec.TargetGroups.Count <= BalancerValidation.MostRoutes
            && spec.TargetGroups.All(group => group.Members.Count <= BalancerValidation.MostMembers)
        )
        {
            foreach (var fault in BalancerValidation.FaultsOf(servingName, spec.ToDomain()))
            {
                faults.Add(fault.Field, fault.Description);
            }
        }
    }

    private static void CheckRoutes(this Faults faults, V1.BalancerSpec spec)
    {
        if (spec.Routes.Count > BalancerValidation.MostRoutes)
        {
            faults.Range("spec.routes", spec.Routes.Count, 1, BalancerValidation.MostRoutes, "routes");
            return;
        }

        for (var i = 0; i < spec.Routes.Count; i++)
        {
            var (at, route) = ($"spec.routes[{i}]", spec.Routes[i]);
            faults.CheckName($"{at}.name", route.Name);
            faults.CheckName($"{at}.instance", route.Instance, isRequired: false);
            faults.CheckName($"{at}.target_group", route.TargetGroup, isRequired: false);
            if (route.Intent.Any(char.IsControl))
            {
                faults.Add($"{at}.intent", "Must be one line.");
            }
        }
    }

    private static void CheckGroups(this Faults faults, V1.BalancerSpec spec)
    {
        if (spec.TargetGroups.Count > BalancerValidation.MostRoutes)
        {
            faults.Range("spec.target_groups", spec.TargetGroups.Count, 0, BalancerValidation.MostRoutes, "groups");
            return;
        }

        for (var i = 0; i < spec.TargetGroups.Count; i++)
        {
            var (at, group) = ($"spec.target_groups[{i}]", spec.TargetGroups[i]);
            faults.CheckName($"{at}.name", group.Name);
            if (group.Policy == V1.GroupPolicy.Unspecified || !System.Enum.IsDefined(group.Policy))
            {
                faults.Add(
                    $"{at}.policy",
                    "Must be GROUP_POLICY_WEIGHTED_ROUND_ROBIN, GROUP_POLICY_LEAST_OUTSTANDING, GROUP_POLICY_SESSION or GROUP_POLICY_PREFIX."
                );
            }

            if (group.Members.Count > BalancerValidation.MostMembers)
            {
                faults.Range($"{at}.members", group.Members.Count, 1, BalancerValidation.MostMembers, "members");
                continue;
            }

            for (var m = 0; m < group.Members.Count; m++)
            {
                faults.CheckName($"{at}.members[{m}].instance", group.Members[m].Instance);
            }
        }
    }

    private static void CheckName(this Faults faults, string field, string name, bool isRequired = true)
    {
        if ((isRequired || name.Length > 0) && !Grammar.IsServingName(name))
        {
            faults.Add(field, $"Must be {Name}.");
        }
    }

    // Only the syntactic range; BalancerValidation checks the allowed range of each setting.
    private static void CheckTime(this Faults faults, string field, Duration? given) =>
        faults.CheckDuration(field, given, TimeSpan.Zero, LongestTime);
}
