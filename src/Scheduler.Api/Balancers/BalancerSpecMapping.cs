using System.Diagnostics;
using Google.Protobuf.WellKnownTypes;
using Scheduler.Domain.Balancers;

namespace Scheduler.Api.Balancers;

/// <summary>Maps balancer specs. An absent field gets the default of the domain.</summary>
internal static class BalancerSpecMapping
{
    private static readonly TimeSpan StandardDeadline = TimeSpan.FromSeconds(2);

    /// <summary>Also maps an invalid request, so that one response can report all its validation errors.</summary>
    public static BalancerSpec ToDomain(this V1.BalancerSpec proto) =>
        new()
        {
            RoutingMode =
                proto.RoutingMode == V1.RoutingMode.IntentClassifier
                    ? RoutingMode.IntentClassifier
                    : RoutingMode.Ordered,
            Routes =
            [
                .. proto.Routes.Select(route => new BalancerRoute
                {
                    Name = route.Name,
                    Intent = route.Intent,
                    Instance = NullIfEmpty(route.Instance),
                    Group = NullIfEmpty(route.TargetGroup),
                    Priority = route.Priority,
                    Enabled = !route.HasEnabled || route.Enabled,
                    IsDefault = route.Default,
                }),
            ],
            Groups =
            [
                .. proto.TargetGroups.Select(group => new TargetGroup
                {
                    Name = group.Name,
                    Policy = ToDomain(group.Policy),
                    LoadBoundPercent = group.HasLoadBoundPercent ? group.LoadBoundPercent : null,
                    Members =
                    [
                        .. group.Members.Select(member => new GroupMember(
                            member.Instance,
                            member.HasWeight ? member.Weight : 1
                        )),
                    ],
                }),
            ],
            Router = proto.Router is { } router
                ? new RouterModel(router.Instance, TimeOf(router.Deadline, StandardDeadline))
                : null,
            Firewall = NullIfEmpty(proto.Firewall),
            Health = (proto.Health ?? new V1.BalancerHealth()).ToDomain(),
        };

    public static V1.BalancerSpec ToProto(this BalancerSpec spec)
    {
        var proto = new V1.BalancerSpec
        {
            RoutingMode = spec.RoutingMode switch
            {
                RoutingMode.Ordered => V1.RoutingMode.Ordered,
                RoutingMode.IntentClassifier => V1.RoutingMode.IntentClassifier,
                _ => throw new UnreachableException(),
            },
            Router = spec.Router is { } router
                ? new V1.RouterModel
                {
                    Instance = router.ServingName,
                    Deadline = Duration.FromTimeSpan(router.Deadline),
                }
                : null,
            Firewall = spec.Firewall ?? "",
            Health = spec.Health.ToProto(),
        };
        proto.Routes.AddRange(spec.Routes.Select(ToProto));
        proto.TargetGroups.AddRange(spec.Groups.Select(ToProto));
        return proto;
    }

    private static V1.BalancerRoute ToProto(BalancerRoute route) =>
        new()
        {
            Name = route.Name,
            Intent = route.Intent,
            Instance = route.Instance ?? "",
            TargetGroup = route.Group ?? "",
            Priority = route.Priority,
            Enabled = route.Enabled,
            Default = route.IsDefault,
        };

    private static V1.TargetGroup ToProto(TargetGroup group)
    {
        var proto = new V1.TargetGroup
        {
            Name = group.Name,
            Policy = group.Policy switch
            {
                GroupPolicy.WeightedRoundRobin => V1.GroupPolicy.WeightedRoundRobin,
                GroupPolicy.LeastOutstanding => V1.GroupPolicy.LeastOutstanding,
                GroupPolicy.Session => V1.GroupPolicy.Session,
                GroupPolicy.Prefix => V1.GroupPolicy.Prefix,
                _ => throw new UnreachableException(),
            },
        };
        if (group.LoadBoundPercent is { } bound)
        {
            proto.LoadBoundPercent = bound;
        }

        proto.Members.AddRange(
            group.Members.Select(member => new V1.GroupMember { Instance = member.ServingName, Weight = member.Weight })
        );
        return proto;
    }

    private static GroupPolicy ToDomain(V1.GroupPolicy policy) =>
        policy switch
        {
            V1.GroupPolicy.LeastOutstanding => GroupPolicy.LeastOutstanding,
            V1.GroupPolicy.Session => GroupPolicy.Session,
            V1.GroupPolicy.Prefix => GroupPolicy.Prefix,
            // Unspecified and unknown values are a validation error of their own.
            V1.GroupPolicy.Unspecified or V1.GroupPolicy.WeightedRoundRobin or _ => GroupPolicy.WeightedRoundRobin,
        };

    private static HealthSettings ToDomain(this V1.BalancerHealth proto)
    {
        var standard = new HealthSettings();
        return new HealthSettings
        {
            ProbeInterval = TimeOf(proto.ProbeInterval, standard.ProbeInterval),
            ProbeTimeout = TimeOf(proto.ProbeTimeout, standard.ProbeTimeout),
            ProbeFailures = proto.HasProbeFailures ? proto.ProbeFailures : standard.ProbeFailures,
            ProbeSuccesses = proto.HasProbeSuccesses ? proto.ProbeSuccesses : standard.ProbeSuccesses,
            ConsecutiveFailures = proto.HasConsecutiveFailures
                ? proto.ConsecutiveFailures
                : standard.ConsecutiveFailures,
            ErrorPercent = proto.HasErrorPercent ? proto.ErrorPercent : standard.ErrorPercent,
            MinimumRequests = proto.HasMinimumRequests ? proto.MinimumRequests : standard.MinimumRequests,
            Window = TimeOf(proto.Window, standard.Window),
            EjectFor = TimeOf(proto.EjectFor, standard.EjectFor),
            EjectAtMost = TimeOf(proto.EjectAtMost, standard.EjectAtMost),
            SlowReturn = TimeOf(proto.SlowReturn, standard.SlowReturn),
            MostEjectedPercent = proto.HasMostEjectedPercent ? proto.MostEjectedPercent : standard.MostEjectedPercent,
        };
    }

    private static V1.BalancerHealth ToProto(this HealthSettings health) =>
        new()
        {
            ProbeInterval = Duration.FromTimeSpan(health.ProbeInterval),
            ProbeTimeout = Duration.FromTimeSpan(health.ProbeTimeout),
            ProbeFailures = health.ProbeFailures,
            ProbeSuccesses = health.ProbeSuccesses,
            ConsecutiveFailures = health.ConsecutiveFailures,
            ErrorPercent = health.ErrorPercent,
            MinimumRequests = health.MinimumRequests,
            Window = Duration.FromTimeSpan(health.Window),
            EjectFor = Duration.FromTimeSpan(health.EjectFor),
            EjectAtMost = Duration.FromTimeSpan(health.EjectAtMost),
            SlowReturn = Duration.FromTimeSpan(health.SlowReturn),
            MostEjectedPercent = health.MostEjectedPercent,
        };

    // A duration outside these bounds is already a validation error. It must not break the search for further errors.
    private static TimeSpan TimeOf(Duration? given, TimeSpan standard) =>
        given is { Seconds: >= 0 and <= 86_400, Nanos: >= 0 and < 1_000_000_000 } ? given.ToTimeSpan() : standard;

    private static string? NullIfEmpty(string text) => text.Length == 0 ? null : text;
}
