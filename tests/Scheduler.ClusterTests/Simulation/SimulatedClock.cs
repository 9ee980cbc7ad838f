namespace Scheduler.ClusterTests.Simulation;

/// <summary>A clock of the simulation: timers fire when the world says so; what it shows may be off.</summary>
/// <param name="world">The world whose time it is.</param>
/// <param name="error">How far it is off.</param>
internal sealed class SimulatedClock(SimulatedWorld world, TimeSpan error = default) : TimeProvider
{
    /// <summary>How far it is off.</summary>
    public TimeSpan Error { get; set; } = error;

    /// <inheritdoc/>
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc/>
    public override DateTimeOffset GetUtcNow() => world.Now + Error;

    /// <inheritdoc/>
    public override long GetTimestamp() => world.Elapsed.Ticks;

    /// <inheritdoc/>
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
