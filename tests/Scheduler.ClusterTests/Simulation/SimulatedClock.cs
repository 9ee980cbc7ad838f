namespace Scheduler.ClusterTests.Simulation;

/// <summary>A clock of the simulation: the world fires its timers, and its time may be wrong.</summary>
/// <param name="error">Deviation from the true time.</param>
internal sealed class SimulatedClock(SimulatedWorld world, TimeSpan error = default) : TimeProvider
{
    public TimeSpan Error { get; set; } = error;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => world.Now + Error;

    public override long GetTimestamp() => world.Elapsed.Ticks;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimulatedTimer(world, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class SimulatedTimer(SimulatedWorld world, TimerCallback callback, object? state) : ITimer
    {
        private int _setting;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var setting = ++_setting;
            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                Arm(setting, dueTime, period);
            }

            return true;
        }

        public void Dispose() => _setting++;

        public ValueTask DisposeAsync()
        {
            _setting++;
            return ValueTask.CompletedTask;
        }

        private void Arm(int setting, TimeSpan due, TimeSpan period) =>
            world.After(
                due,
                () =>
                {
                    if (setting != _setting)
                    {
                        return;
                    }

                    if (period > TimeSpan.Zero)
                    {
                        Arm(setting, period, period);
                    }

                    callback(state);
                }
            );
    }
}
