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
}
