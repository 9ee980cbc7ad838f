using System.Collections.Immutable;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Grains.Balancers;

namespace Scheduler.Dashboard.Balancers;

/// <summary>
/// A balancer with the instances behind its destinations, to tell whether it can serve a request now.
/// </summary>
/// <param name="instances">Instance by serving name, for every name of its routes; null where no instance has the
/// name.</param>
public sealed class BalancerOverview(
    BalancerDetail detail,
    IReadOnlyDictionary<string, InstanceRecord?> instances,
    DateTimeOffset now
)
{
    public BalancerRecord Record => detail.Record;

    /// <summary>Serving names that the enabled routes can send to.</summary>
    public ImmutableArray<string> Destinations { get; } =
    [
        .. RouteOrder
            .Of(detail.Record.Spec)
            .SelectMany(route => detail.Record.Spec.MembersOf(route))
            .Select(member => member.ServingName)
            .Distinct(StringComparer.Ordinal),
    ];

    /// <summary>
    /// Destinations that at least one gateway sends to now; without a report, only the state of the instance counts.
    /// </summary>
    public ImmutableArray<string> Taking => [.. Destinations.Where(name => OutOf(name) is null)];

    /// <summary>Instances of destinations that can be started.</summary>
    public ImmutableArray<InstanceRecord> Startable =>
        [.. Destinations.Select(InstanceOf).OfType<InstanceRecord>().Where(instance => instance.State.MayChangeSpec())];

    /// <summary>The error of a request now; null if a destination is available.</summary>
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

    public InstanceRecord? InstanceOf(string servingName) => instances.GetValueOrDefault(servingName);

    /// <summary>Why no gateway sends to a destination; null if one does.</summary>
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
            .Gateways.SelectMany(gateway => gateway.Destinations)
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
