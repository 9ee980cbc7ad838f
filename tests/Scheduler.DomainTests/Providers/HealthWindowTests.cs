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
    public void So_many_failures_in_a_row_open_the_breaker_and_a_success_between_does_not_count()
    {
        var window = Window();
        Note(window, 0, false, false, true, false, false);
        Assert.Equal("closed", window.Breaker(Noon));
        Note(window, 10, false);
        Assert.Equal("open", window.Breaker(Noon.AddSeconds(10)));
        Assert.Equal(Noon.AddSeconds(70), window.OpenUntil);
    }

    [Fact]
    public void After_a_while_one_attempt_decides_whether_it_closes_or_opens_again()
    {
        var window = Window();
        Note(window, 0, false, false, false);
        Assert.Equal("open", window.Breaker(Noon.AddSeconds(59)));
        Assert.Equal("half_open", window.Breaker(Noon.AddSeconds(60)));

        Note(window, 61, false);
        Assert.Equal("open", window.Breaker(Noon.AddSeconds(61)));
        Note(window, 125, true);
        Assert.Equal("closed", window.Breaker(Noon.AddSeconds(125)));
        Assert.Null(window.OpenUntil);
    }

    [Fact]
    public void What_is_older_than_the_window_is_forgotten()
    {
        var window = Window();
        window.Note(Noon, West, true, TimeSpan.FromSeconds(2));
        window.Note(Noon.AddMinutes(10), West, true, TimeSpan.FromSeconds(4));
        window.Note(Noon.AddMinutes(10), East, false, TimeSpan.FromSeconds(60));

        Assert.Equal((3, 2, TimeSpan.FromSeconds(4)), window.Sum(Noon.AddMinutes(15)));
        Assert.Equal((2, 1, TimeSpan.FromSeconds(4)), window.Sum(Noon.AddMinutes(15).AddTicks(1)));
        Assert.Equal((0, 0, (TimeSpan?)null), window.Sum(Noon.AddMinutes(26)));
    }

    [Fact]
    public void Each_route_has_its_own_sum()
    {
        var window = Window();
        window.Note(Noon, West, true, TimeSpan.FromSeconds(2));
        window.Note(Noon, East, false, TimeSpan.FromSeconds(60));
        window.Note(Noon, East, true, TimeSpan.FromSeconds(9));

        Assert.Equal(
            [(West, 1, 1, TimeSpan.FromSeconds(2)), (East, 2, 1, TimeSpan.FromSeconds(9))],
            window.SumByRoute(Noon).Select(r => (r.Route, r.Attempts, r.Successes, r.MedianTook!.Value))
        );
    }

    [Property]
    public void It_never_keeps_more_than_its_bound_and_the_parts_add_up(bool[] ends, byte[] after)
    {
        var window = Window();
        var now = Noon;
        foreach (var (succeeded, seconds) in ends.Zip(after))
        {
            now = now.AddSeconds(seconds - 20);
            window.Note(now, succeeded ? West : East, succeeded, TimeSpan.FromSeconds(seconds));
        }

        var (attempts, successes, _) = window.Sum(now);
        Assert.InRange(attempts, 0, HealthWindow.MaxAttempts);
        Assert.Equal(attempts, window.SumByRoute(now).Sum(route => route.Attempts));
        Assert.Equal(successes, window.SumByRoute(now).Sum(route => route.Successes));
    }

    [Fact]
    public void Of_very_many_attempts_the_latest_are_kept()
    {
        var window = Window();
        for (var i = 0; i < 3000; i++)
        {
            window.Note(Noon, West, i >= 2000, TimeSpan.FromSeconds(1));
        }

        Assert.Equal((HealthWindow.MaxAttempts, 1000), (window.Sum(Noon).Attempts, window.Sum(Noon).Successes));
    }

    private static HealthWindow Window() => new(TimeSpan.FromMinutes(15), 3, TimeSpan.FromMinutes(1));

    private static void Note(HealthWindow window, int second, params ReadOnlySpan<bool> ends)
    {
        foreach (var succeeded in ends)
        {
            window.Note(Noon.AddSeconds(second), West, succeeded, TimeSpan.FromSeconds(1));
        }
    }
}
