using System.Diagnostics;
using System.Globalization;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Instances;
using Scheduler.Grains.Balancers;

namespace Scheduler.Dashboard.Balancers;

internal static class BalancerWords
{
    public static string Word(this RoutingMode mode) =>
        mode switch
        {
            RoutingMode.Ordered => "in order",
            RoutingMode.IntentClassifier => "by intent",
            _ => throw new UnreachableException(),
        };

    public static string Word(this GroupPolicy policy) =>
        policy switch
        {
            GroupPolicy.WeightedRoundRobin => "weighted round robin",
            GroupPolicy.LeastOutstanding => "fewest requests in progress, by weight",
            GroupPolicy.Session => "the same member for one session",
            GroupPolicy.Prefix => "the same member for prompts that begin alike",
            _ => throw new UnreachableException(),
        };

    /// <summary>The policy of a group, with its load bound where it has one.</summary>
    public static string Word(this TargetGroup group) =>
        group.Policy is GroupPolicy.Session or GroupPolicy.Prefix
            ? string.Create(
                CultureInfo.InvariantCulture,
                $"{group.Policy.Word()}, up to {group.LoadBoundPercent ?? Affinity.StandardBoundPercent} % of the mean load"
            )
            : group.Policy.Word();

    public static bool Takes(this DestinationView view) =>
        view.State == InstanceState.Running
        && view.Condition is DestinationCondition.Healthy or DestinationCondition.Returning;

    public static string Word(this DestinationView view) =>
        view.State != InstanceState.Running
            ? "not_running"
            : view.Condition switch
            {
                DestinationCondition.Healthy => "healthy",
                DestinationCondition.Returning => "returning",
                DestinationCondition.Ejected => "ejected",
                DestinationCondition.ProbeFailed => "probe_failed",
                _ => throw new UnreachableException(),
            };

    /// <summary>Why a destination has its state; empty if it is healthy.</summary>
    public static string Why(this DestinationView view, DateTimeOffset now) =>
        view.State is not { } state ? "No instance has this name."
        : state != InstanceState.Running ? $"The instance is {state.WireName()}."
        : view.Condition switch
        {
            DestinationCondition.Healthy => view.FailuresInARow > 0
                ? string.Create(CultureInfo.InvariantCulture, $"{view.FailuresInARow} consecutive failures so far.")
                : "",
            DestinationCondition.Returning => string.Create(
                CultureInfo.InvariantCulture,
                $"Receives {view.Share / 10.0:0.#} % of its weight, increasing gradually."
            ),
            DestinationCondition.Ejected => string.Create(
                CultureInfo.InvariantCulture,
                $"Too many requests failed: ejected for {Units.Duration((view.EjectedUntil ?? now) - now)} more, ejection {view.Ejections} since it was last stable."
            ),
            DestinationCondition.ProbeFailed => $"Its probe fails: {view.ProbeError ?? "no answer"}",
            _ => throw new UnreachableException(),
        };
}
