namespace Scheduler.Domain.Storage;

/// <summary>The scheduler's time in the store, and the store's own clock.</summary>
public interface IStoredClock
{
    /// <summary>Reads what a start needs. It blocks, because nothing may read the time before.</summary>
    StoredTime Read();

    /// <summary>Stores the scheduler's time together with the wall clock.</summary>
    /// <param name="time">The scheduler's time.</param>
    /// <param name="wall">This machine's wall clock; a database takes its own instead.</param>
    /// <exception cref="StorageException">The store did not take it.</exception>
    Task WriteAsync(DateTimeOffset time, DateTimeOffset wall, CancellationToken cancellationToken);

    /// <summary>Wall clock of the database's machine; null when the store is a file on this machine.</summary>
    Task<DateTimeOffset?> WallAsync(CancellationToken cancellationToken);
}

/// <param name="Mark">The last stored mark; null before the first.</param>
/// <param name="Wall">Wall clock of the database's machine; null when the store is a file on this machine.</param>
/// <param name="IsMeasuring">Whether an instance is in launch, runs or stops.</param>
public sealed record StoredTime(ClockMark? Mark, DateTimeOffset? Wall, bool IsMeasuring);
