namespace Scheduler.Domain.Storage;

/// <summary>
/// The scheduler's time and the wall clock of the store at one moment. Running processes store it every few seconds, so that a start can
/// continue their time. See <c>src/decisions/0017-time.md</c>.
/// </summary>
/// <param name="Time">The scheduler's time.</param>
/// <param name="Wall">The wall clock: the database's, or that of this machine if the store is a file on it.</param>
public sealed record ClockMark(DateTimeOffset Time, DateTimeOffset Wall)
{
    /// <summary>A mark not older than this was written by a process that may still run.</summary>
    public static readonly TimeSpan Fresh = TimeSpan.FromSeconds(30);

    /// <summary>The scheduler's time at a start.</summary>
    /// <remarks>
    /// The time goes on by what passed on the wall clock since the mark, and never backwards: a run that spans the start is billed for what
    /// it ran (INV-05), and a deadline keeps what was left of it. If nothing measures time and no other process runs, the time is set to the
    /// wall clock, so that an earlier deviation ends.
    /// </remarks>
    /// <param name="wall">The wall clock now.</param>
    /// <param name="isMeasuring">Whether an instance is in launch, runs or stops.</param>
    public DateTimeOffset Resume(DateTimeOffset wall, bool isMeasuring)
    {
        var passed = wall - Wall;
        if (!isMeasuring && passed.Duration() > Fresh)
        {
            return wall;
        }

        return passed > TimeSpan.Zero ? Time + passed : Time;
    }
}
