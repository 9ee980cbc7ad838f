using System.Collections.Immutable;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Firewalls;

/// <summary>
/// The rules and firewalls of one account. Where a method takes an account, it is the caller's, and null for an
/// operator.
/// </summary>
[Alias("scheduler.IFirewallsGrain")]
[GrainInterfaceType("scheduler.firewalls")]
public interface IFirewallGrain : IGrainWithStringKey
{
    /// <summary>Creates a rule. The same create again is harmless; one with other contents is refused.</summary>
    [Alias("CreateRule")]
    Task<Answer<FirewallRuleRecord>> CreateRuleAsync(FirewallRule rule, CommandContext context);

    /// <summary>One of the account's own rules.</summary>
    [Alias("GetRule"), AlwaysInterleave]
    Task<Answer<FirewallRuleRecord>> GetRuleAsync(string slug, AccountId? account);

    /// <summary>
    /// Rules that the account can use, in order of slug: its own and the shipped ones, which have version 0.
    /// </summary>
    [Alias("ListRules"), AlwaysInterleave]
    Task<ImmutableArray<FirewallRuleRecord>> ListRulesAsync(string afterSlug, int limit);

    /// <summary>Changes a rule together with the versions of all firewalls that use it.</summary>
    /// <param name="rule">The whole rule.</param>
    /// <param name="ifVersion">Refuse unless this is the rule's version; null for any.</param>
    /// <param name="context">The request.</param>
    [Alias("UpdateRule")]
    Task<Answer<FirewallRuleRecord>> UpdateRuleAsync(FirewallRule rule, long? ifVersion, CommandContext context);

    /// <summary>Removes a rule; refused while a firewall uses it. Answers what it was.</summary>
    [Alias("DeleteRule")]
    Task<Answer<FirewallRuleRecord>> DeleteRuleAsync(string slug, CommandContext context);

    /// <summary>
    /// Creates a firewall, if its rules and its judge exist. The same create again is harmless; one with other contents
    /// is refused.
    /// </summary>
    [Alias("Create")]
    Task<Answer<FirewallRecord>> CreateAsync(string slug, FirewallDraft draft, CommandContext context);

    [Alias("Get"), AlwaysInterleave]
    Task<Answer<FirewallRecord>> GetAsync(string slug, AccountId? account);

    /// <summary>Firewalls in order of slug.</summary>
    [Alias("List"), AlwaysInterleave]
    Task<ImmutableArray<FirewallRecord>> ListAsync(string afterSlug, int limit);

    /// <summary>Changes a firewall, if its rules and its judge exist.</summary>
    /// <param name="slug">Which one.</param>
    /// <param name="draft">The whole firewall.</param>
    /// <param name="ifVersion">Refuse unless this is the firewall's version; null for any.</param>
    /// <param name="context">The request.</param>
    [Alias("Update")]
    Task<Answer<FirewallRecord>> UpdateAsync(string slug, FirewallDraft draft, long? ifVersion, CommandContext context);

    /// <summary>
    /// Removes a firewall; answers what it was. A request that still names it is refused from then on, not let through.
    /// </summary>
    [Alias("Delete")]
    Task<Answer<FirewallRecord>> DeleteAsync(string slug, CommandContext context);

    /// <summary>
    /// All rules and firewalls, as soon as they are newer than a state the caller has; after some seconds also if
    /// nothing changed. Lets a gateway keep a fresh copy without polling.
    /// </summary>
    /// <param name="afterSequence">The <see cref="FirewallSet.LastSequence"/> of the caller's copy; -1 for none.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    [Alias("WaitForChange"), AlwaysInterleave]
    Task<FirewallSet> WaitForChangeAsync(long afterSequence, CancellationToken cancellationToken);
}
