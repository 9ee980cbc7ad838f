using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>Counts what an account has, from the rows that are written with the states.</summary>
public interface IQuotaRows
{
    /// <summary>What the account has of a quota; sees every write that was acknowledged before.</summary>
    /// <param name="without">Ids of states that are not counted.</param>
    Task<long> UsedAsync(
        AccountId account,
        Quota quota,
        IReadOnlyCollection<string> without,
        CancellationToken cancellationToken
    );
}
