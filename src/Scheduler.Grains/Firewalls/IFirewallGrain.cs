using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Firewalls;

/// <summary>One firewall of an account.</summary>
[Alias("scheduler.IFirewallGrain")]
[GrainInterfaceType("scheduler.firewall")]
public interface IFirewallGrain : IGrainWithStringKey
{
    /// <summary>Creates it, if rules and judge exist. The same create again is harmless; one with other contents is refused.</summary>
    [Alias("Create")]
    Task<Answer<FirewallRecord>> CreateAsync(WriteFirewall command, CommandContext context);

    /// <summary>What is recorded.</summary>
    /// <param name="account">Whose eyes; null for an operator.</param>
    [Alias("Get"), AlwaysInterleave]
    Task<Answer<FirewallRecord>> GetAsync(AccountId? account);

    /// <summary>
    /// What is recorded, as soon as it is newer than a version, or after a while what there is. For holding a fresh copy without polling.
    /// </summary>
    /// <param name="account">Whose eyes; null for an operator.</param>
    /// <param name="afterVersion">The version the caller has.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    [Alias("WaitForChange"), AlwaysInterleave]
    Task<Answer<FirewallRecord>> WaitForChangeAsync(
        AccountId? account,
        long afterVersion,
        CancellationToken cancellationToken
    );

    /// <summary>Changes it, if rules and judge exist.</summary>
    [Alias("Update")]
    Task<Answer<FirewallRecord>> UpdateAsync(WriteFirewall command, CommandContext context);

    /// <summary>Removes it. A request that still names it is refused from then on, not let through.</summary>
    [Alias("Delete")]
    Task<Answer<FirewallRecord>> DeleteAsync(CommandContext context);
}

/// <summary>What a create or an update says.</summary>
/// <param name="Account">Whose.</param>
/// <param name="Slug">Which.</param>
/// <param name="Draft">The whole firewall.</param>
/// <param name="IfVersion">Refuse unless this is the present version; null for any. Not looked at in a create.</param>
[GenerateSerializer, Immutable, Alias("scheduler.WriteFirewall")]
public sealed record WriteFirewall(
    [property: Id(0)] AccountId Account,
    [property: Id(1)] string Slug,
    [property: Id(2)] FirewallDraft Draft,
    [property: Id(3)] long? IfVersion = null
);
