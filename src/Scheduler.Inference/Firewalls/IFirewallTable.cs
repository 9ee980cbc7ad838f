using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Firewalls;

/// <summary>Firewalls as currently known to this process.</summary>
internal interface IFirewallTable
{
    /// <summary>The firewall; null when the account has none with this slug.</summary>
    ValueTask<FirewallRecord?> FindAsync(AccountId account, string slug, CancellationToken cancellationToken);
}
