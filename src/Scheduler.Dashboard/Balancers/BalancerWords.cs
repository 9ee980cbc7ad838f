using System.Diagnostics;
using System.Globalization;
using Scheduler.Dashboard.Instances;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Instances;
using Scheduler.Grains.Balancers;

namespace Scheduler.Dashboard.Balancers;

/// <summary>What a balancer does and sees, in words.</summary>
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
            GroupPolicy.WeightedRoundRobin => "in turn, by weight",
            GroupPolicy.LeastOutstanding => "to whoever has the fewest under way for its weight",
            _ => throw new UnreachableException(),
        };

    /// <summary>Whether a door sends requests there.</summary>
    public static bool Takes(this DestinationView view) =>
        view.State == InstanceState.Running
        && view.Condition is DestinationCondition.Healthy or DestinationCondition.Returning;

    /// <summary>The word of how a destination stands at a door.</summary>
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

    /// <summary>Why it stands so; empty where it is well.</summary>
    public static string Why(this DestinationView view, DateTimeOffset now) =>
        view.State is not { } state ? "No instance has this name."
        : state != InstanceState.Running ? $"The instance is {state.Word()}."
        : view.Condition switch
        {
            DestinationCondition.Healthy => view.FailuresInARow > 0
                ? string.Create(CultureInfo.InvariantCulture, $"{view.FailuresInARow} failed in a row so far.")
                : "",
            DestinationCondition.Returning => string.Create(
                CultureInfo.InvariantCulture,
                $"Gets {view.Share / 10.0:0.#} % of its weight, and more from moment to moment."
            ),
            DestinationCondition.Ejected => string.Create(
                CultureInfo.InvariantCulture,
                $"Too many requests failed: out for {Units.Duration((view.EjectedUntil ?? now) - now)} more, ejected {view.Ejections} × without a calm spell."
            ),
            DestinationCondition.ProbeFailed => $"Its probe fails: {view.ProbeError ?? "no answer"}",
            _ => throw new UnreachableException(),
        };
}
