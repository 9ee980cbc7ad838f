namespace Scheduler.Host.Load;

/// <summary>Durations in buckets that grow by 2 %, so that any number of them needs the same memory. Thread-safe.</summary>
internal sealed class TimeHistogram
{
    private const double Growth = 1.02;

    /// <summary>The last bucket begins at about two hours.</summary>
    private const int Buckets = 1150;

    private static readonly TimeSpan Least = TimeSpan.FromMicroseconds(1);

    private readonly long[] _counts = new long[Buckets];

    public long Count => _counts.Sum();

    public void Add(TimeSpan time)
    {
        var bucket = time <= Least ? 0 : (int)Math.Ceiling(Math.Log(time / Least, Growth));
        Interlocked.Increment(ref _counts[Math.Min(bucket, Buckets - 1)]);
    }

    /// <summary>A duration that at least this part of all reaches at most; at most 2 % too long. Zero without any.</summary>
    /// <param name="part">Above 0, up to 1.</param>
    public TimeSpan Quantile(double part)
    {
        var rank = (long)Math.Ceiling(Count * part);
        var seen = 0L;
        for (var i = 0; i < Buckets; i++)
        {
            seen += _counts[i];
            if (seen >= rank && seen > 0)
            {
                return Least * Math.Pow(Growth, i);
            }
        }

        return TimeSpan.Zero;
    }
}
