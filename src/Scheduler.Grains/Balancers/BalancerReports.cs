using System.Collections.Immutable;

namespace Scheduler.Grains.Balancers;

/// <summary>
/// Reports about one balancer: the latest of each gateway process, and the latest failures of all. Bounded, and
/// dropped with age.
/// </summary>
internal sealed class BalancerReports
{
    /// <summary>Most gateway processes kept; each restart adds a new name and evicts the oldest.</summary>
    public const int MostDoors = 64;

    public const int MostFailures = 50;

    /// <summary>A process without a report for this long no longer routes by this balancer.</summary>
    public static readonly TimeSpan LongestSilence = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, (BalancerReport Report, DateTimeOffset Heard)> _doors = new(
        StringComparer.Ordinal
    );
    private readonly Queue<DestinationFailure> _failures = new();

    public void Note(BalancerReport report, DateTimeOffset now)
    {
        _doors[report.Door] = (report with { Failures = [] }, now);
        if (_doors.Count > MostDoors)
        {
            _doors.Remove(_doors.MinBy(door => door.Value.Heard).Key);
        }

        foreach (var failure in report.Failures)
        {
            _failures.Enqueue(failure);
            if (_failures.Count > MostFailures)
            {
                _failures.Dequeue();
            }
        }
    }

    /// <summary>The latest reports of processes that still route by this balancer, ordered by name.</summary>
    public ImmutableArray<BalancerReport> Doors(DateTimeOffset now)
    {
        foreach (var (door, (_, heard)) in _doors)
        {
            if (now - heard > LongestSilence)
            {
                _doors.Remove(door);
            }
        }

        return [.. _doors.Values.Select(door => door.Report).OrderBy(report => report.Door, StringComparer.Ordinal)];
    }

    /// <summary>The latest failures, newest first.</summary>
    public ImmutableArray<DestinationFailure> Failures() => [.. _failures.OrderByDescending(failure => failure.At)];
}
