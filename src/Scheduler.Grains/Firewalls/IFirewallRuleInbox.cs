using System.Collections.Immutable;
using Scheduler.Domain.Firewalls;

namespace Scheduler.Grains.Firewalls;

/// <summary>What firewalls, and the rule's own work, say to a rule.</summary>
[Alias("scheduler.IFirewallRuleInbox")]
[GrainInterfaceType("scheduler.ruleinbox")]
internal interface IFirewallRuleInbox : IGrainWithStringKey
{
    /// <summary>Notes that a firewall has it, or is about to: from here on the firewall is told of changes.</summary>
    /// <param name="firewall">The firewall's slug.</param>
    [Alias("Attach")]
    Task<Answer<FirewallRule>> AttachAsync(string firewall);

    /// <summary>Notes which firewalls have recorded a change.</summary>
    /// <param name="version">The rule's version they were told.</param>
    /// <param name="told">Those that have recorded it.</param>
    /// <param name="strangers">Those among them that do not have the rule.</param>
    [Alias("Told")]
    Task ToldAsync(long version, ImmutableArray<string> told, ImmutableArray<string> strangers);
}
