using System.Collections.Concurrent;
using Scheduler.Domain.Hosts;

namespace Scheduler.Providers.Worker;

/// <summary>
/// Which hosts answer. A silence begins with the first call that fails after an answer. It is a silence only while calls fail all the time:
/// after a pause without any call nothing is known, so a new silence begins. So no host is lost that could have answered in between.
/// </summary>
internal sealed class HostSilences(TimeSpan lostAfter, TimeProvider clock)
{
    /// <summary>Longest pause between two calls of one silence.</summary>
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Silence> _silences = new(StringComparer.Ordinal);

    /// <returns>Whether a silence has ended.</returns>
    internal bool Answered(string host) => _silences.TryRemove(host, out _);

    /// <returns>What the host has become by this failure; unspecified if nothing has changed.</returns>
    internal HostReach Failed(string host)
    {
        var now = clock.GetTimestamp();
        while (true)
        {
            if (!_silences.TryGetValue(host, out var known))
            {
                if (_silences.TryAdd(host, new Silence(now, now)))
                {
                    return HostReach.Silent;
                }

                continue;
            }

            var next =
                clock.GetElapsedTime(known.Last, now) > LongestPause
                    ? new Silence(now, now)
                    : known with
                    {
                        Last = now > known.Last ? now : known.Last,
                    };
            if (_silences.TryUpdate(host, next, known))
            {
                return IsOver(next) && !IsOver(known) ? HostReach.Lost : HostReach.Unspecified;
            }
        }
    }

    /// <summary>Whether it has not answered for the time after which it is lost.</summary>
    internal bool IsLost(string host) => _silences.TryGetValue(host, out var known) && IsOver(known);

    private bool IsOver(Silence silence) => clock.GetElapsedTime(silence.First, silence.Last) >= lostAfter;

    private sealed record Silence(long First, long Last);
}
