using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Serving;

/// <summary>
/// Resolves serving names. While an entry is in use, an open call to its grain returns on each change and refreshes
/// it. Only the first request to a name waits for a grain.
/// </summary>
internal interface IServingTable
{
    /// <summary>The instance or balancer with this name; null when the account has none.</summary>
    ValueTask<Served?> FindAsync(AccountId account, string servingName, CancellationToken cancellationToken);

    /// <summary>Slug of the firewall that applies to all requests of the account; null for none.</summary>
    Task<string?> AccountFirewallAsync(AccountId account, CancellationToken cancellationToken);
}
