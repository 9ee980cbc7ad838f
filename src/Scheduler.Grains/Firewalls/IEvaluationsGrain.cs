using System.Collections.Immutable;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Firewalls;

/// <summary>Records what an account's firewalls decided.</summary>
[Alias("scheduler.IEvaluationsGrain")]
[GrainInterfaceType("scheduler.evaluations")]
public interface IEvaluationsGrain : IGrainWithStringKey
{
    /// <summary>Most evaluations in one call.</summary>
    const int MostAtOnce = 500;

    /// <summary>Records evaluations with one write, and lets old ones go.</summary>
    /// <param name="account">Whose.</param>
    /// <param name="evaluations">In the order they were decided; their sequence numbers are given here.</param>
    [Alias("Record")]
    Task RecordAsync(AccountId account, ImmutableArray<FirewallEvaluation> evaluations);
}
