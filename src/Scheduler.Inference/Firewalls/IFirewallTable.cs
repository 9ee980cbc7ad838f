using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Firewalls;

internal interface IFirewallTable
{
    /// <summary>The firewall; null when the account has none with this slug.</summary>
    ValueTask<FirewallRecord?> FindAsync(AccountId account, string slug, CancellationToken cancellationToken);
}
