using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Firewalls;

/// <summary>Where evaluations go.</summary>
internal interface IEvaluationSink
{
    /// <summary>Takes one; never waits.</summary>
    void Note(AccountId account, FirewallEvaluation evaluation);
}
