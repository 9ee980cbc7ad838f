using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Balancers;

/// <summary>
/// One request's slot. A failure counts at once. A success counts only when the request has ended, because an answer
/// can still break off.
/// </summary>
internal sealed class DestinationLease(
    BalancerState state,
    ServedInstance instance,
    IReadOnlyCollection<string> running,
    RequestId requestId
) : IDestinationLease
{
    private bool _began;
    private int _failed;
    private int _ended;

    public ServedInstance Instance => instance;

    public void Succeeded() => _began = true;

    public void Failed()
    {
        if (Interlocked.Exchange(ref _failed, 1) == 0)
        {
            state.Failed(instance, running);
        }
    }

    public void Explained(ApiError why)
    {
        if (FailureCodes.TryParse(why.Reason, out var code))
        {
            state.Explained(instance, code, why.Hint ?? why.Message, requestId);
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            state.Ended(instance, running, succeeded: _began && _failed == 0);
        }
    }
}
