using Scheduler.Domain.Firewalls;

namespace Scheduler.Grains.Firewalls;

/// <summary>What rules say to a firewall.</summary>
[Alias("scheduler.IFirewallInbox")]
[GrainInterfaceType("scheduler.firewallinbox")]
internal interface IFirewallInbox : IGrainWithStringKey
{
    /// <summary>Whether it has a rule, or is about to.</summary>
    /// <param name="rule">The rule's slug.</param>
    [Alias("Uses"), AlwaysInterleave]
    Task<bool> UsesAsync(string rule);

    /// <summary>Takes over a rule's new contents.</summary>
    /// <param name="rule">The rule as it is now.</param>
    /// <param name="context">Under what it was changed.</param>
    /// <returns>Whether the firewall has the rule.</returns>
    [Alias("RuleChanged")]
    Task<bool> RuleChangedAsync(FirewallRule rule, CommandContext context);
}
