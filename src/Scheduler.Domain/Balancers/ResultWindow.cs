using System.Runtime.InteropServices;

namespace Scheduler.Domain.Balancers;

/// <summary>A sliding window of ten parts; a part expires as a whole, so the size is constant.</summary>
internal sealed class ResultWindow(TimeSpan window)
{
    private const int Parts = 10;

    private readonly Part[] _parts = new Part[Parts];
    private readonly long _ticksOfPart = Math.Max(window.Ticks / Parts, 1);

    public void Record(DateTimeOffset now, bool succeeded)
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

    public void Clear() => Array.Clear(_parts);

    [StructLayout(LayoutKind.Auto)]
    private struct Part
    {
        public long Number;
        public int Requests;
        public int Failures;
    }
}
