using System.Collections.Concurrent;
using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Firewalls;

/// <summary>
/// Decides when a silent judge gets a second call: after the judge's 95th percentile of latency, and only while
/// second calls are a small share of all calls.
/// </summary>
/// <param name="after">Share of the deadline to wait while too few latencies are known.</param>
/// <param name="percent">Second calls per hundred first calls.</param>
internal sealed class HedgePolicy(double after, int percent)
{
    /// <summary>Most judges whose latency is kept; above it all are forgotten and learnt again.</summary>
    private const int MostJudges = 10_000;

    /// <summary>Most second calls that can be saved up.</summary>
    private const double MostSaved = 10;

    private readonly ConcurrentDictionary<(AccountId, string), RecentLatency> _judges = new();
    private readonly Lock _lock = new();
    private double _saved = percent > 0 ? MostSaved : 0;

    /// <summary>How long to wait before the second call. Counts the first call.</summary>
    public TimeSpan DelayFor(AccountId account, string judge, TimeSpan deadline)
    {
        lock (_lock)
        {
            _saved = Math.Min(MostSaved, _saved + (percent / 100.0));
        }

        var usual = _judges.TryGetValue((account, judge), out var recent) ? recent.Percentile95() : null;
        return usual is { } known && known < deadline ? known : deadline * after;
    }

    /// <summary>Whether a second call may be made now. Counts it.</summary>
    public bool MayHedge()
    {
        lock (_lock)
        {
            if (_saved < 1)
            {
                return false;
            }

            _saved--;
            return true;
        }
    }

    public void Learn(AccountId account, string judge, TimeSpan latency)
    {
        if (_judges.Count >= MostJudges)
        {
            _judges.Clear();
        }

        _judges.GetOrAdd((account, judge), static _ => new RecentLatency()).Add(latency);
    }

    private sealed class RecentLatency
    {
        private const int Kept = 64;

        /// <summary>Fewer samples give no useful percentile.</summary>
        private const int Least = 20;

        private readonly TimeSpan[] _ring = new TimeSpan[Kept];
        private readonly Lock _lock = new();
        private int _count;

        public void Add(TimeSpan latency)
        {
            lock (_lock)
            {
                _ring[_count % Kept] = latency;

                // Stays above Kept, so that it never overflows.
                _count = _count == 2 * Kept ? Kept + 1 : _count + 1;
            }
        }

        public TimeSpan? Percentile95()
        {
            lock (_lock)
            {
                if (_count < Least)
                {
                    return null;
                }

                var known = Math.Min(_count, Kept);
                Span<TimeSpan> sorted = stackalloc TimeSpan[known];
                _ring.AsSpan(0, known).CopyTo(sorted);
                sorted.Sort();
                return sorted[known * 95 / 100];
            }
        }
    }
}
