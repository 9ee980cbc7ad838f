using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Serving;

/// <summary>
/// Serving names to what they stand for. An entry is kept fresh, while it is used, by a question to its grain that is answered when
/// something changes: no request waits for a grain but the first to a name.
/// </summary>
internal interface IServingTable
{
    /// <summary>What a name stands for; null when no instance or balancer of the account has it.</summary>
    ValueTask<Served?> FindAsync(AccountId account, string servingName, CancellationToken cancellationToken);

    /// <summary>Slug of the firewall that all requests of the account pass; null for none.</summary>
    Task<string?> AccountFirewallAsync(AccountId account, CancellationToken cancellationToken);
}
