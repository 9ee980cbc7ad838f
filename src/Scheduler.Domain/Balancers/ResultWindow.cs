using System.Runtime.InteropServices;

namespace Scheduler.Domain.Balancers;

/// <summary>Requests and failures over a sliding window, in ten parts: a part leaves as a whole, and memory does not grow with traffic.</summary>
/// <param name="window">Span of the window.</param>
internal sealed class ResultWindow(TimeSpan window)
{
    private const int Parts = 10;

    private readonly Part[] _parts = new Part[Parts];
    private readonly long _ticksOfPart = Math.Max(window.Ticks / Parts, 1);

    /// <summary>Notes one result.</summary>
    public void Note(DateTimeOffset now, bool succeeded)
    {
        var number = now.UtcTicks / _ticksOfPart;
        ref var part = ref _parts[number % Parts];
        if (part.Number != number)
        {
            part = new Part { Number = number };
        }

        part.Requests++;
        part.Failures += succeeded ? 0 : 1;
    }

    /// <summary>What the window holds.</summary>
    public (int Requests, int Failures) Sum(DateTimeOffset now)
    {
        var last = now.UtcTicks / _ticksOfPart;
        var (requests, failures) = (0, 0);
        foreach (var part in _parts)
        {
            if (part.Number > last - Parts && part.Number <= last)
            {
                requests += part.Requests;
                failures += part.Failures;
            }
        }

        return (requests, failures);
    }

    /// <summary>Forgets everything.</summary>
    public void Clear() => Array.Clear(_parts);

    [StructLayout(LayoutKind.Auto)]
    private struct Part
    {
        public long Number;
        public int Requests;
        public int Failures;
    }
}
