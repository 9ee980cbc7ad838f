using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Requests;

/// <summary>The stored requests. They are a log of their own, not part of any state.</summary>
public interface IRequestLog
{
    /// <summary>Adds requests; one that is stored already is left as it is.</summary>
    Task AddAsync(IReadOnlyList<AnsweredRequest> requests, CancellationToken cancellationToken);

    /// <summary>The requests with an id, the scheduler's or the caller's own, newest first.</summary>
    /// <param name="account">Restricts them to one account; null for all (operator).</param>
    /// <param name="since">Older ones are left out.</param>
    /// <param name="limit">1 to 1,000.</param>
    Task<IReadOnlyList<AnsweredRequest>> FindAsync(
        string id,
        AccountId? account,
        DateTimeOffset since,
        int limit,
        CancellationToken cancellationToken
    );

    /// <summary>The latest requests, newest first.</summary>
    /// <param name="account">Of one account; null for all (operator).</param>
    /// <param name="onlyRefused">Leaves out those with the code <see cref="AnsweredRequest.Ok"/>.</param>
    /// <param name="since">Older ones are left out.</param>
    /// <param name="limit">1 to 1,000.</param>
    Task<IReadOnlyList<AnsweredRequest>> ListAsync(
        AccountId? account,
        bool onlyRefused,
        DateTimeOffset since,
        int limit,
        CancellationToken cancellationToken
    );

    /// <summary>Deletes old requests, a few thousand in one transaction.</summary>
    /// <param name="before">Older ones are deleted.</param>
    /// <param name="kept">Most requests of one account that stay; those without an account count as one.</param>
    Task ForgetAsync(DateTimeOffset before, int kept, CancellationToken cancellationToken);
}
