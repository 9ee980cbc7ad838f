using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;

namespace Scheduler.Grains.Queries;

[GenerateSerializer, Immutable, Alias("scheduler.FleetOverview")]
public sealed record FleetOverview
{
    /// <summary>The time of the data; end of the last bucket.</summary>
    [Id(0)]
    public DateTimeOffset At { get; init; }

    /// <summary>Time span in which failures are counted.</summary>
    [Id(1)]
    public TimeSpan Window { get; init; }

    /// <summary>Instances by state, without deleted ones; a state without instances is omitted.</summary>
    [Id(2)]
    public ImmutableSortedDictionary<InstanceState, long> Instances { get; init; } =
        ImmutableSortedDictionary<InstanceState, long>.Empty;

    /// <summary>Failures of instances over time, one series for each code that occurred, ordered by code.</summary>
    [Id(3)]
    public ImmutableArray<FailureSeries> Failures { get; init; } = [];

    /// <summary>Total price per hour of all metered instances.</summary>
    [Id(4)]
    public MicroEuro BurnPerHour { get; init; }

    /// <summary>Sum of the holds of the accounts, as each account reports its own.</summary>
    [Id(5)]
    public MicroEuro Held { get; init; }

    /// <summary>Instances with an unconfirmed release or settlement.</summary>
    [Id(6)]
    public long Debtors { get; init; }

    /// <summary>Last write of the longest unconfirmed one; null when there is none.</summary>
    [Id(7)]
    public DateTimeOffset? OldestDebt { get; init; }
}

/// <param name="Counts">One number a bucket, oldest first; equal buckets that exclude their start.</param>
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
