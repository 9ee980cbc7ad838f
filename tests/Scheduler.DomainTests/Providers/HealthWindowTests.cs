using FsCheck.Xunit;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Xunit;

namespace Scheduler.DomainTests.Providers;

public sealed class HealthWindowTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly Route West = new(new ProviderId("cloud"), "west", "L40S");
    private static readonly Route East = West with { Region = "east" };

    [Fact]
    public void Consecutive_failures_open_the_breaker_and_a_success_resets_the_count()
    {
        var window = Window();
        Record(window, 0, false, false, true, false, false);
        Assert.Equal(BreakerState.Closed, window.Breaker(Noon));
        Record(window, 10, false);
        Assert.Equal(BreakerState.Open, window.Breaker(Noon.AddSeconds(10)));
        Assert.Equal(Noon.AddSeconds(70), window.OpenUntil);
    }

    [Fact]
    public void After_the_open_time_one_attempt_closes_or_reopens_the_breaker()
    {
        var window = Window();
        Record(window, 0, false, false, false);
        Assert.Equal(BreakerState.Open, window.Breaker(Noon.AddSeconds(59)));
        Assert.Equal(BreakerState.HalfOpen, window.Breaker(Noon.AddSeconds(60)));

        Record(window, 61, false);
        Assert.Equal(BreakerState.Open, window.Breaker(Noon.AddSeconds(61)));
        Record(window, 125, true);
        Assert.Equal(BreakerState.Closed, window.Breaker(Noon.AddSeconds(125)));
        Assert.Null(window.OpenUntil);
    }

    [Fact]
    public void Attempts_older_than_the_window_do_not_count()
    {
        var window = Window();
        window.Record(Noon, West, true, TimeSpan.FromSeconds(2));
        window.Record(Noon.AddMinutes(10), West, true, TimeSpan.FromSeconds(4));
        window.Record(Noon.AddMinutes(10), East, false, TimeSpan.FromSeconds(60));

        Assert.Equal((3, 2, TimeSpan.FromSeconds(4)), window.Sum(Noon.AddMinutes(15)));
        Assert.Equal((2, 1, TimeSpan.FromSeconds(4)), window.Sum(Noon.AddMinutes(15).AddTicks(1)));
        Assert.Equal((0, 0, (TimeSpan?)null), window.Sum(Noon.AddMinutes(26)));
    }

    [Fact]
    public void Each_route_has_its_own_sum()
    {
        var window = Window();
        window.Record(Noon, West, true, TimeSpan.FromSeconds(2));
        window.Record(Noon, East, false, TimeSpan.FromSeconds(60));
        window.Record(Noon, East, true, TimeSpan.FromSeconds(9));

        Assert.Equal(
            [(West, 1, 1, TimeSpan.FromSeconds(2)), (East, 2, 1, TimeSpan.FromSeconds(9))],
            window.SumByRoute(Noon).Select(r => (r.Route, r.Attempts, r.Successes, r.MedianTook!.Value))
        );
    }

    [Property]
    public void The_window_is_bounded_and_its_routes_add_up_to_the_total(bool[] ends, byte[] after)
    {
        var window = Window();
        var now = Noon;
        foreach (var (succeeded, seconds) in ends.Zip(after))
        {
            now = now.AddSeconds(seconds - 20);
            window.Record(now, succeeded ? West : East, succeeded, TimeSpan.FromSeconds(seconds));
        }

        var (attempts, successes, _) = window.Sum(now);
        Assert.InRange(attempts, 0, HealthWindow.MaxAttempts);
        Assert.Equal(attempts, window.SumByRoute(now).Sum(route => route.Attempts));
        Assert.Equal(successes, window.SumByRoute(now).Sum(route => route.Successes));
    }

    [Fact]
    public void At_the_limit_only_the_latest_attempts_are_kept()
    {
        var window = Window();
        for (var i = 0; i < 3000; i++)
        {
            window.Record(Noon, West, i >= 2000, TimeSpan.FromSeconds(1));
        }

        Assert.Equal((HealthWindow.MaxAttempts, 1000), (window.Sum(Noon).Attempts, window.Sum(Noon).Successes));
    }

    private static HealthWindow Window() => new(TimeSpan.FromMinutes(15), 3, TimeSpan.FromMinutes(1));

    private static void Record(HealthWindow window, int second, params ReadOnlySpan<bool> ends)
    {
        foreach (var succeeded in ends)
        {
            window.Record(Noon.AddSeconds(second), West, succeeded, TimeSpan.FromSeconds(1));
        }
    }
}
