using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Services;

namespace Scheduler.Grains.Services;

/// <summary>The latest load report of each gateway process of one service. In memory only.</summary>
public sealed class GatewayLoads
{
    /// <summary>A process without a report for this long has ended, or has no more load: reports come every second.</summary>
    public static readonly TimeSpan LongestSilence = TimeSpan.FromSeconds(5);

    /// <summary>Most processes kept; above it the one that reported longest ago is dropped.</summary>
    public const int MostGateways = 64;

    private readonly Dictionary<string, (LoadReport Report, DateTimeOffset At)> _reports = new(StringComparer.Ordinal);

    /// <summary>Whether a process reported within <see cref="LongestSilence"/>.</summary>
    public bool IsReported(DateTimeOffset now)
    {
        ForgetOld(now);
        return _reports.Count > 0;
    }

    /// <summary>Takes a report; one that is older than the last of its process changes nothing.</summary>
    public void Add(LoadReport report, DateTimeOffset now)
    {
        ForgetOld(now);
        if (_reports.TryGetValue(report.Gateway, out var last) && last.Report.Sequence >= report.Sequence)
        {
            return;
        }

        _reports[report.Gateway] = (report, now);
        if (_reports.Count > MostGateways)
        {
            _reports.Remove(_reports.MinBy(known => known.Value.At).Key);
        }
    }

    /// <summary>The sum over all processes.</summary>
    public LoadSample Sum(DateTimeOffset now)
    {
        ForgetOld(now);
        return new LoadSample(
            now,
            _reports.Values.Sum(known => (double)known.Report.Outstanding),
            _reports.Values.Sum(known => (double)known.Report.Held),
            _reports.Values.Sum(known => (double)known.Report.TokensPerSecond)
        );
    }

    /// <summary>Requests in progress at one replica.</summary>
    /// <param name="after">When the replica began to drain: an earlier report says nothing about what it got since.</param>
    /// <returns>Null while a process has not reported after that.</returns>
    public long? OutstandingAt(InstanceId replica, DateTimeOffset after, DateTimeOffset now)
    {
        ForgetOld(now);
        return _reports.Values.Any(known => known.At <= after)
            ? null
            : _reports.Values.Sum(known =>
                known.Report.Replicas.Where(load => load.Instance == replica).Sum(load => (long)load.Outstanding)
            );
    }

    /// <summary>The latest reports, ordered by process.</summary>
    public ImmutableArray<LoadReport> Reports(DateTimeOffset now)
    {
        ForgetOld(now);
        return
        [
            .. _reports.Values.Select(known => known.Report).OrderBy(report => report.Gateway, StringComparer.Ordinal),
        ];
    }

    private void ForgetOld(DateTimeOffset now)
    {
        foreach (var (gateway, (_, at)) in _reports)
        {
            if (now - at > LongestSilence)
            {
                _reports.Remove(gateway);
            }
        }
    }
}
