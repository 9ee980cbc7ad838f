using System.Collections.Immutable;

namespace Scheduler.Grains.Balancers;

/// <summary>
/// Reports about one balancer: the latest of each gateway process, and the latest failures of all. Bounded, and
/// dropped with age.
/// </summary>
internal sealed class BalancerReports
{
    /// <summary>Most gateway processes kept; each restart adds a new name and evicts the oldest.</summary>
    public const int MostGateways = 64;

    public const int MostFailures = 50;

    /// <summary>A process without a report for this long no longer routes by this balancer.</summary>
    public static readonly TimeSpan LongestSilence = TimeSpan.FromMinutes(1);

    private readonly Dictionary<string, (BalancerReport Report, DateTimeOffset ReceivedAt)> _gateways = new(
        StringComparer.Ordinal
    );
    private readonly Queue<DestinationFailure> _failures = new();

    public void Add(BalancerReport report, DateTimeOffset now)
    {
        _gateways[report.Gateway] = (report with { Failures = [] }, now);
        if (_gateways.Count > MostGateways)
        {
            _gateways.Remove(_gateways.MinBy(gateway => gateway.Value.ReceivedAt).Key);
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
    public ImmutableArray<BalancerReport> Gateways(DateTimeOffset now)
    {
        foreach (var (gateway, (_, receivedAt)) in _gateways)
        {
            if (now - receivedAt > LongestSilence)
            {
                _gateways.Remove(gateway);
            }
        }

        return
        [
            .. _gateways
                .Values.Select(gateway => gateway.Report)
                .OrderBy(report => report.Gateway, StringComparer.Ordinal),
        ];
    }

    /// <summary>The latest failures, newest first.</summary>
    public ImmutableArray<DestinationFailure> Failures() => [.. _failures.OrderByDescending(failure => failure.At)];
}
