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
    BalancerDesk desk,
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
            desk.Failed(instance, running);
        }
    }

    public void Explained(DoorError why)
    {
        if (FailureCodes.TryParse(why.Reason, out var code))
        {
            desk.Explained(instance, code, why.Hint ?? why.Message, requestId);
        }
    }

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            desk.Ended(instance, running, succeeded: _began && _failed == 0);
        }
    }
}
