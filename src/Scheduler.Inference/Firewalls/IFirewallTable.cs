using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Firewalls;

/// <summary>Firewalls as this door knows them now.</summary>
internal interface IFirewallTable
{
    /// <summary>A firewall; null when the account has none of that name.</summary>
    ValueTask<FirewallRecord?> FindAsync(AccountId account, string slug, CancellationToken cancellationToken);
}
