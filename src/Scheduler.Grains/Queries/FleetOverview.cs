using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;

namespace Scheduler.Grains.Queries;

/// <summary>How the fleet, or one account's part of it, stands, and what failed lately.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.FleetOverview")]
public sealed record FleetOverview
{
    /// <summary>The moment it is of; end of the last bucket.</summary>
    [Id(0)]
    public DateTimeOffset At { get; init; }

    /// <summary>How far back failures are counted.</summary>
    [Id(1)]
    public TimeSpan Window { get; init; }

    /// <summary>Instances by state, without the deleted; a state without any is left out.</summary>
    [Id(2)]
    public ImmutableSortedDictionary<InstanceState, long> Instances { get; init; } =
        ImmutableSortedDictionary<InstanceState, long>.Empty;

    /// <summary>Failures of instances over time, one series a code that occurred, in order of code.</summary>
    [Id(3)]
    public ImmutableArray<FailureSeries> Failures { get; init; } = [];

    /// <summary>Price of an hour of all that is metered.</summary>
    [Id(4)]
    public MicroEuro BurnPerHour { get; init; }

    /// <summary>Money held for launches under way; what running meters have left of theirs is not in it.</summary>
    [Id(5)]
    public MicroEuro Held { get; init; }

    /// <summary>Instances whose release or settlement is not confirmed.</summary>
    [Id(6)]
    public long Debtors { get; init; }

    /// <summary>When the longest of those was last written; null without one.</summary>
    [Id(7)]
    public DateTimeOffset? OldestDebt { get; init; }
}

/// <summary>How often one failure occurred over time.</summary>
/// <param name="Code">The failure.</param>
/// <param name="Counts">One number a bucket, oldest first; the buckets are of equal length, open at their beginning and closed at their end.</param>
[GenerateSerializer, Immutable, Alias("scheduler.FailureSeries")]
public sealed record FailureSeries([property: Id(0)] FailureCode Code, [property: Id(1)] ImmutableArray<long> Counts)
{
    internal static FailureSeries Of(FailureCode code, int buckets, IEnumerable<FailureCount> counts)
    {
        var series = new long[buckets];
        foreach (var count in counts)
        {
            series[count.Bucket] = count.Count;
        }

        return new FailureSeries(code, [.. series]);
    }
}
