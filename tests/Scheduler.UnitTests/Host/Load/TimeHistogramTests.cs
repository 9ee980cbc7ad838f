using FsCheck.Xunit;
using Scheduler.Host.Load;
using Xunit;

namespace Scheduler.UnitTests.Host.Load;

public sealed class TimeHistogramTests
{
    [Property(MaxTest = 300)]
    public bool A_quantile_is_at_most_two_percent_too_long(uint[] microseconds, byte percent)
    {
        if (microseconds.Length == 0)
        {
            return new TimeHistogram().Quantile(0.5) == TimeSpan.Zero;
        }

        var part = (1 + (percent % 100)) / 100.0;
        var times = new TimeHistogram();
        foreach (var time in microseconds)
        {
            times.Add(TimeSpan.FromMicroseconds(time));
        }

        var rank = (int)Math.Ceiling(microseconds.Length * part);
        var exact = TimeSpan.FromMicroseconds(Math.Max(1, microseconds.Order().ElementAt(rank - 1)));
        var found = times.Quantile(part);

        // A duration is a whole number of ticks.
        return found >= exact - TimeSpan.FromTicks(1) && found <= (exact * 1.02) + TimeSpan.FromTicks(1);
    }

    [Fact]
    public void A_time_longer_than_all_buckets_is_in_the_last()
    {
        var times = new TimeHistogram();
        times.Add(TimeSpan.FromDays(1));
        Assert.Equal(1, times.Count);
        Assert.InRange(times.Quantile(1), TimeSpan.FromHours(2), TimeSpan.FromHours(3));
    }
}
