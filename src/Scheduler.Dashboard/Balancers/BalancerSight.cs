using System.Collections.Immutable;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Grains.Balancers;

namespace Scheduler.Dashboard.Balancers;

/// <summary>A balancer and who serves under the names it leads to: whether a request would get anywhere.</summary>
/// <param name="detail">What is recorded and what doors told.</param>
/// <param name="instances">Who serves under each name of its routes.</param>
/// <param name="now">When it is looked at.</param>
public sealed class BalancerSight(
    BalancerDetail detail,
    IReadOnlyDictionary<string, InstanceRecord?> instances,
    DateTimeOffset now
)
{
    /// <summary>What is recorded.</summary>
    public BalancerRecord Record => detail.Record;

    /// <summary>Names that requests may end at by the routes that are enabled.</summary>
    public ImmutableArray<string> Destinations { get; } =
    [
        .. RouteOrder
            .Of(detail.Record.Spec)
            .SelectMany(route => detail.Record.Spec.MembersOf(route))
            .Select(member => member.ServingName)
            .Distinct(StringComparer.Ordinal),
    ];

    /// <summary>Those that at least one door would send to now; of a name no door has told of, the instance alone decides.</summary>
    public ImmutableArray<string> Taking => [.. Destinations.Where(name => OutOf(name) is null)];

    /// <summary>Destinations whose instance a start would help.</summary>
    public ImmutableArray<InstanceRecord> Startable =>
        [.. Destinations.Select(InstanceOf).OfType<InstanceRecord>().Where(instance => instance.State.MayChangeSpec())];

    /// <summary>What a request is refused with now; null where it would be taken.</summary>
    public Failure? Refusal =>
        Taking.IsEmpty
            ? FailureCatalogue.Describe(
                new NoHealthyDestinationFacts(
                    Record.ServingName,
                    [.. Destinations.Select(OutOf).OfType<DestinationOut>()],
                    now
                )
            )
            : null;

    /// <summary>Who serves under a name; null for nobody.</summary>
    /// <param name="servingName">A name of a route, or of the router model.</param>
    public InstanceRecord? InstanceOf(string servingName) => instances.GetValueOrDefault(servingName);

    /// <summary>Why a destination takes no requests anywhere; null where it takes them.</summary>
    private DestinationOut? OutOf(string name)
    {
        if (InstanceOf(name) is not { } instance)
        {
            return new DestinationOut(name, OutReason.Unknown);
        }

        if (instance.State != InstanceState.Running)
        {
            var failure = instance.Failure?.Failure;
            return new DestinationOut(
                name,
                OutReason.NotRunning,
                instance.State,
                failure?.Code ?? FailureCode.None,
                failure?.Hint
            );
        }

        var views = detail
            .Doors.SelectMany(door => door.Destinations)
            .Where(view =>
                string.Equals(view.ServingName, name, StringComparison.Ordinal) && view.Instance == instance.Id
            )
            .ToList();
        if (views.Count == 0 || views.Any(view => view.Takes()))
        {
            return null;
        }

        var first = views.MinBy(view => view.EjectedUntil ?? DateTimeOffset.MaxValue)!;
        return first.Condition == DestinationCondition.Ejected
            ? new DestinationOut(name, OutReason.Ejected, Until: first.EjectedUntil)
            : new DestinationOut(name, OutReason.ProbeFailed, ProbeError: first.ProbeError);
    }
}
