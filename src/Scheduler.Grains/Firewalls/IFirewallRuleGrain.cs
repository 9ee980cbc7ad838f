using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Firewalls;

/// <summary>One rule that an account wrote. Shipped rules have no grain (<see cref="ShippedRules"/>).</summary>
[Alias("scheduler.IFirewallRuleGrain")]
[GrainInterfaceType("scheduler.rule")]
public interface IFirewallRuleGrain : IGrainWithStringKey
{
    /// <summary>Creates it. The same create again is harmless; one with other contents is refused.</summary>
    [Alias("Create")]
    Task<Answer<FirewallRuleRecord>> CreateAsync(WriteFirewallRule command, CommandContext context);

    /// <summary>What is recorded.</summary>
    /// <param name="account">Whose eyes; null for an operator.</param>
    [Alias("Get"), AlwaysInterleave]
    Task<Answer<FirewallRuleRecord>> GetAsync(AccountId? account);

    /// <summary>Changes it, and then every firewall that has it.</summary>
    [Alias("Update")]
    Task<Answer<FirewallRuleRecord>> UpdateAsync(WriteFirewallRule command, CommandContext context);

    /// <summary>Removes it; refused while a firewall has it.</summary>
    [Alias("Delete")]
    Task<Answer<FirewallRuleRecord>> DeleteAsync(CommandContext context);
}

/// <summary>What a create or an update says.</summary>
/// <param name="Account">Whose.</param>
/// <param name="Rule">The whole rule.</param>
/// <param name="IfVersion">Refuse unless this is the present version; null for any. Not looked at in a create.</param>
[GenerateSerializer, Immutable, Alias("scheduler.WriteFirewallRule")]
public sealed record WriteFirewallRule(
    [property: Id(0)] AccountId Account,
    [property: Id(1)] FirewallRule Rule,
    [property: Id(2)] long? IfVersion = null
);
