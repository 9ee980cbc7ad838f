using System.Collections.Immutable;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Firewalls;

/// <summary>Records and lists what an account's firewalls decided.</summary>
[Alias("scheduler.IEvaluationsGrain")]
[GrainInterfaceType("scheduler.evaluations")]
public interface IEvaluationsGrain : IGrainWithStringKey
{
    /// <summary>Most evaluations in one call of <see cref="RecordAsync"/>.</summary>
    const int MostAtOnce = 500;

    /// <summary>Records evaluations with one write, and removes old ones.</summary>
    /// <param name="account">The account of this grain.</param>
    /// <param name="evaluations">In the order in which they were decided; this call gives them their sequence numbers.</param>
    [Alias("Record")]
    Task RecordAsync(AccountId account, ImmutableArray<FirewallEvaluation> evaluations);

    /// <summary>Evaluations, newest first.</summary>
    /// <param name="firewall">Of this firewall; null for all.</param>
    /// <param name="beforeSequence">Older than this one; <see cref="long.MaxValue"/> for the newest.</param>
    /// <param name="limit">1 to 1,000.</param>
    [Alias("List"), AlwaysInterleave]
    Task<ImmutableArray<FirewallEvaluation>> ListAsync(string? firewall, long beforeSequence, int limit);
}
