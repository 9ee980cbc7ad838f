using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Firewalls;

internal interface IEvaluationSink
{
    /// <summary>Accepts an evaluation; never waits.</summary>
    void Record(AccountId account, FirewallEvaluation evaluation);
}
