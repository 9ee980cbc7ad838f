using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Storage;

/// <summary>Lists states of kind <c>account</c>, <c>key</c>, <c>model</c> or <c>provider</c> by account.</summary>
public interface IEntityIndex
{
    /// <summary>
    /// States of one kind, ordered by id. Unreadable states are omitted. Fewer states than the limit mean the end of
    /// the list.
    /// </summary>
    /// <param name="kind">The grain state's name.</param>
    /// <param name="account">Restricts the list to one account; null for all.</param>
    /// <param name="afterId">Returns ids after this one; empty for the beginning.</param>
    /// <param name="limit">1 to 1,000.</param>
    Task<IReadOnlyList<T>> ListAsync<T>(
        string kind,
        AccountId? account,
        string afterId,
        int limit,
        CancellationToken cancellationToken
    )
        where T : class, IStoredState;

    /// <summary>
    /// Whether the account has a state of this id. Takes the same work for an id that does not exist and for one of another account.
    /// </summary>
    Task<bool> HasAsync(string kind, AccountId account, string id, CancellationToken cancellationToken);

    /// <summary>Like <see cref="ListAsync"/>, but only states that belong to no account.</summary>
    Task<IReadOnlyList<T>> ListWithoutAccountAsync<T>(
        string kind,
        string afterId,
        int limit,
        CancellationToken cancellationToken
    )
        where T : class, IStoredState;
}
