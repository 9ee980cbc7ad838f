using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Events;

/// <summary>Reads the timelines. They are written with the states (see <see cref="Storage.IStoredState"/>), never apart.</summary>
public interface IEventLog
{
    /// <summary>A subject's events after a sequence number, oldest first.</summary>
    /// <param name="kind">The grain state's name.</param>
    /// <param name="id">The grain's key.</param>
    /// <param name="afterSequence">0 for the beginning.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<IReadOnlyList<StoredEvent>> ReadAsync(
        string kind,
        string id,
        long afterSequence,
        int limit,
        CancellationToken cancellationToken
    );

    /// <summary>Everything known under one request id, in order of time; for one account's eyes or (null) the operator's.</summary>
    /// <param name="requestId">The request.</param>
    /// <param name="account">Whose events may be seen; null for all.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<IReadOnlyList<SubjectEvent>> ReadByRequestAsync(
        RequestId requestId,
        AccountId? account,
        int limit,
        CancellationToken cancellationToken
    );

    /// <summary>The latest events of instances that carry a failure code, newest first.</summary>
    /// <param name="code">The code; not <see cref="FailureCode.None"/>.</param>
    /// <param name="account">Whose events may be seen; null for all.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<IReadOnlyList<SubjectEvent>> ReadFailuresAsync(
        FailureCode code,
        AccountId? account,
        int limit,
        CancellationToken cancellationToken
    );

    /// <summary>
    /// How many events of instances carry each failure code, in equal stretches of time: stretch n of
    /// (<paramref name="until"/> − <paramref name="window"/>, <paramref name="until"/>] is open at its beginning and closed at its end.
    /// What has none is left out, and so is a code that only a newer version knows.
    /// </summary>
    /// <param name="account">Whose; null for all.</param>
    /// <param name="until">End of the last stretch.</param>
    /// <param name="window">Length of all together; whole milliseconds.</param>
    /// <param name="buckets">Number of stretches, from 1.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<IReadOnlyList<FailureCount>> CountFailuresAsync(
        AccountId? account,
        DateTimeOffset until,
        TimeSpan window,
        int buckets,
        CancellationToken cancellationToken
    );

    /// <summary>
    /// A number that is another, and a greater one, after every write of an event; it may change without one. Ask it before the rows it
    /// stands for, and keep it: as long as the answer is equal, there is nothing new to read. A store that was restored may fall behind, so
    /// compare for equality alone. It costs one look-up.
    /// </summary>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<long> PulseAsync(CancellationToken cancellationToken);
}

/// <summary>Events with one failure code in one stretch of time.</summary>
/// <param name="Code">The code.</param>
/// <param name="Bucket">The stretch, from 0 for the oldest.</param>
/// <param name="Count">How many.</param>
public sealed record FailureCount(FailureCode Code, int Bucket, long Count);
