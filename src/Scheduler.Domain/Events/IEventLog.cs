using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Events;

/// <summary>
/// Reads the timelines. Events are written only together with the states (see <see cref="Storage.IStoredState"/>).
/// </summary>
public interface IEventLog
{
    /// <summary>A subject's events after a sequence number, oldest first.</summary>
    /// <param name="kind">The grain state's name.</param>
    /// <param name="afterSequence">0 for the beginning.</param>
    /// <param name="limit">1 to 1,000.</param>
    Task<IReadOnlyList<StoredEvent>> ReadAsync(
        string kind,
        string id,
        long afterSequence,
        int limit,
        CancellationToken cancellationToken
    );

    /// <summary>All events with one request id, ordered by time.</summary>
    /// <param name="account">Restricts the events to one account; null for all (operator).</param>
    /// <param name="limit">1 to 1,000.</param>
    Task<IReadOnlyList<SubjectEvent>> ReadByRequestAsync(
        RequestId requestId,
        AccountId? account,
        int limit,
        CancellationToken cancellationToken
    );

    /// <summary>The latest instance events that carry a failure code, newest first.</summary>
    /// <param name="code">The code; not <see cref="FailureCode.None"/>.</param>
    /// <param name="account">Restricts the events to one account; null for all (operator).</param>
    /// <param name="limit">1 to 1,000.</param>
    Task<IReadOnlyList<SubjectEvent>> ReadFailuresAsync(
        FailureCode code,
        AccountId? account,
        int limit,
        CancellationToken cancellationToken
    );

    /// <summary>
    /// Counts instance events by failure code and time bucket. Bucket n of (<paramref name="until"/> −
    /// <paramref name="window"/>, <paramref name="until"/>] excludes its start and includes its end. Empty buckets and
    /// codes unknown to this version are omitted.
    /// </summary>
    /// <param name="account">Restricts the count to one account; null for all (operator).</param>
    /// <param name="until">End of the last bucket.</param>
    /// <param name="window">Length of all buckets together; whole milliseconds.</param>
    /// <param name="buckets">Number of buckets, from 1.</param>
    Task<IReadOnlyList<FailureCount>> CountFailuresAsync(
        AccountId? account,
        DateTimeOffset until,
        TimeSpan window,
        int buckets,
        CancellationToken cancellationToken
    );

    /// <summary>
    /// A number that increases with every write of an event; it may also change without one. Read it before the rows
    /// and keep it: while it stays equal, there are no new rows. A restored store may return a lower number, so compare
    /// for equality only. Costs one look-up.
    /// </summary>
    Task<long> PulseAsync(CancellationToken cancellationToken);
}

/// <summary>Number of events with one failure code in one time bucket.</summary>
/// <param name="Bucket">Index of the bucket, 0 for the oldest.</param>
public sealed record FailureCount(FailureCode Code, int Bucket, long Count);
