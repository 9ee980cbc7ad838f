using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Storage;

/// <summary>Lists stored states of the small kinds (<c>account</c>, <c>key</c>, <c>model</c>, <c>provider</c>) by account.</summary>
public interface IEntityIndex
{
    /// <summary>States of one kind in order of id. Those that cannot be read are left out; fewer than the limit means the end of the list.</summary>
    /// <typeparam name="T">The state's type.</typeparam>
    /// <param name="kind">The grain state's name.</param>
    /// <param name="account">Whose; null for all.</param>
    /// <param name="afterId">Ids after this one; empty for the beginning.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<IReadOnlyList<T>> ListAsync<T>(
        string kind,
        AccountId? account,
        string afterId,
        int limit,
        CancellationToken cancellationToken
    )
        where T : class, IStoredState;
}
