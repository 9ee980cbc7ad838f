using System.Collections.Immutable;

namespace Scheduler.Grains.Balancers;

/// <summary>What doors told of one balancer: the last word of each, and the latest failures of all. Bounded, and forgotten with age.</summary>
internal sealed class BalancerReports
{
    /// <summary>Doors kept; a cluster has few, and who calls itself something new each time pushes out the oldest.</summary>
    public const int MostDoors = 64;

    /// <summary>Failures kept.</summary>
    public const int MostFailures = 50;

    /// <summary>A door that has said nothing for so long does not route by this balancer any more.</summary>
    public static readonly TimeSpan LongestSilence = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, (BalancerReport Report, DateTimeOffset Heard)> _doors = new(
        StringComparer.Ordinal
    );
    private readonly Queue<DestinationFailure> _failures = new();

    /// <summary>Takes in a report.</summary>
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

    /// <summary>What doors that still route by it told last, in order of their names.</summary>
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
