using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>Reads the tabs and ledger rows of an account. They are written with the account's state, in one transaction.</summary>
public interface IAccountRows
{
    Task<IReadOnlyList<InstanceTab>> LoadTabsAsync(AccountId account, CancellationToken cancellationToken);

    Task<LedgerEntry?> FindEntryAsync(AccountId account, string key, CancellationToken cancellationToken);

    /// <summary>Ledger entries before a sequence number, newest first.</summary>
    /// <param name="beforeSequence">Exclusive; <see cref="long.MaxValue"/> for the newest.</param>
    /// <param name="limit">1 to 1,000.</param>
    Task<IReadOnlyList<LedgerEntry>> ListEntriesAsync(
        AccountId account,
        long beforeSequence,
        int limit,
        CancellationToken cancellationToken
    );

    /// <summary>Σ of all ledger entries, computed from the rows. For audits; not for the hot path.</summary>
    Task<MicroEuro> SumAsync(AccountId account, CancellationToken cancellationToken);
}
