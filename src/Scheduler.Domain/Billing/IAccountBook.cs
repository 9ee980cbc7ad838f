using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Billing;

/// <summary>Reads an account's tabs and ledger. They are written with the account's state, in one transaction, never apart.</summary>
public interface IAccountBook
{
    /// <summary>Every tab of an account.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<IReadOnlyList<InstanceTab>> LoadTabsAsync(AccountId account, CancellationToken cancellationToken);

    /// <summary>The ledger entry under a key, or null.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="key">The entry's key.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<LedgerEntry?> FindEntryAsync(AccountId account, string key, CancellationToken cancellationToken);

    /// <summary>Ledger entries before a sequence number, newest first.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="beforeSequence">Exclusive; <see cref="long.MaxValue"/> for the newest.</param>
    /// <param name="limit">1 to 1,000.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<IReadOnlyList<LedgerEntry>> ListEntriesAsync(
        AccountId account,
        long beforeSequence,
        int limit,
        CancellationToken cancellationToken
    );

    /// <summary>Σ of all ledger entries, from the rows themselves (an audit, not the hot path).</summary>
    /// <param name="account">Whose.</param>
    /// <param name="cancellationToken">Cancels the read.</param>
    Task<MicroEuro> SumAsync(AccountId account, CancellationToken cancellationToken);
}
