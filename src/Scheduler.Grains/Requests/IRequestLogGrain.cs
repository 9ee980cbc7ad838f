using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Requests;

namespace Scheduler.Grains.Requests;

/// <summary>Stores and finds answered requests, for processes that have no store.</summary>
[Alias("scheduler.IRequestLogGrain")]
[GrainInterfaceType("scheduler.requests")]
public interface IRequestLogGrain : IGrainWithStringKey
{
    /// <summary>Most requests in one call of <see cref="RecordAsync"/>.</summary>
    const int MostAtOnce = 500;

    /// <summary>Adds requests with one write; a repeated one has no effect.</summary>
    [Alias("Record")]
    Task RecordAsync(ImmutableArray<AnsweredRequest> requests);

    /// <summary>The requests with an id, the scheduler's or the caller's own, newest first.</summary>
    /// <param name="account">Restricts them to one account; null for all (operator).</param>
    /// <param name="limit">1 to 1,000.</param>
    [Alias("Find")]
    Task<ImmutableArray<AnsweredRequest>> FindAsync(string id, AccountId? account, int limit);

    /// <summary>The latest requests, newest first.</summary>
    /// <param name="account">Of one account; null for all (operator).</param>
    /// <param name="onlyRefused">Leaves out those that were not refused.</param>
    /// <param name="limit">1 to 1,000.</param>
    [Alias("List")]
    Task<ImmutableArray<AnsweredRequest>> ListAsync(AccountId? account, bool onlyRefused, int limit);
}
