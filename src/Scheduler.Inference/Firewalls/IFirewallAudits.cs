using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Firewalls;

internal interface IFirewallAudits
{
    /// <summary>Accepts a text; never waits.</summary>
    void Post(FirewallRecord firewall, JudgeInput text, RequestId requestId);
}
