using FsCheck.Xunit;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Storage;
using Xunit;

namespace Scheduler.DomainTests.Storage;

public sealed class ClockMarkTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>One life of a process: it runs, its wall clock is set, it runs on, and then nothing runs for a time.</summary>
    public sealed record Life(ushort Runs, int Step, ushort RunsOn, ushort Rests);

    [Property]
    public void INV_05_a_run_over_steps_and_restarts_is_billed_what_it_ran(Life[] lives)
    {
        var (time, wall, ran) = (Noon, Noon, 0L);
        foreach (var life in lives)
        {
            (time, wall) = (time.AddSeconds(life.Runs), wall.AddSeconds(life.Runs).AddSeconds(life.Step));
            (time, wall) = (time.AddSeconds(life.RunsOn), wall.AddSeconds(life.RunsOn));
            var mark = new ClockMark(time, wall);
            wall = wall.AddSeconds(life.Rests);
            time = mark.Resume(wall, isMeasuring: true);
            ran += life.Runs + life.RunsOn + life.Rests;
        }

        Assert.Equal(ran, Usage.Seconds(Noon, time));
    }

    [Property]
    public void Time_never_goes_back_while_something_is_measured(int marked, int wall)
    {
        var mark = new ClockMark(Noon, Noon.AddSeconds(marked));
        Assert.True(mark.Resume(Noon.AddSeconds(wall), isMeasuring: true) >= mark.Time);
    }

    [Property]
    public void With_nothing_to_measure_and_no_other_process_the_time_is_the_wall_clock(int deviation, ushort rests)
    {
        var mark = new ClockMark(Noon.AddSeconds(deviation), Noon);
        var wall = Noon + ClockMark.Fresh + TimeSpan.FromSeconds(1 + rests);
        Assert.Equal(wall, mark.Resume(wall, isMeasuring: false));
        Assert.Equal(Noon - ClockMark.Fresh * 2, mark.Resume(Noon - ClockMark.Fresh * 2, isMeasuring: false));
    }

    [Property]
    public void A_process_that_joins_running_ones_continues_their_time(int deviation, byte rests)
    {
        var mark = new ClockMark(Noon.AddSeconds(deviation), Noon);
        var passed = TimeSpan.FromSeconds(rests % (int)ClockMark.Fresh.TotalSeconds);
        Assert.Equal(mark.Time + passed, mark.Resume(Noon + passed, isMeasuring: false));
    }
}
