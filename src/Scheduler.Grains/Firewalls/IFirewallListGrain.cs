using System.Collections.Immutable;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Firewalls;

/// <summary>Lists of this slice; a stateless worker over the read side. Every question says for whose eyes.</summary>
[Alias("scheduler.IFirewallListGrain")]
[GrainInterfaceType("scheduler.firewalllists")]
public interface IFirewallListGrain : IGrainWithStringKey
{
    /// <summary>Rules an account can use, in order of slug: its own and the shipped ones, which have no account.</summary>
    [Alias("ListRules")]
    Task<ImmutableArray<FirewallRuleRecord>> ListRulesAsync(AccountId account, string afterSlug, int limit);

    /// <summary>Firewalls of an account, in order of slug.</summary>
    [Alias("ListFirewalls")]
    Task<ImmutableArray<FirewallRecord>> ListFirewallsAsync(AccountId account, string afterSlug, int limit);

    /// <summary>Evaluations of an account, or of one firewall of it, newest first.</summary>
    [Alias("ListEvaluations")]
    Task<ImmutableArray<FirewallEvaluation>> ListEvaluationsAsync(
        AccountId account,
        string? firewall,
        long beforeSequence,
        int limit
    );
}
