using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Firewalls;

/// <summary>Takes texts for firewalls in audit mode.</summary>
internal interface IFirewallAudits
{
    /// <summary>Takes one; never waits.</summary>
    void Post(FirewallRecord firewall, JudgedText text, RequestId requestId);
}
