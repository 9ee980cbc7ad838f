using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Balancers;

/// <summary>
/// One request's place. A failure counts at once; a success when the request has ended, since an answer that began well may break off yet.
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

    /// <inheritdoc/>
    public ServedInstance Instance => instance;

    /// <inheritdoc/>
    public void Succeeded() => _began = true;

    /// <inheritdoc/>
    public void Failed()
    {
        if (Interlocked.Exchange(ref _failed, 1) == 0)
        {
            desk.Failed(instance, running);
        }
    }

    /// <inheritdoc/>
    public void Explained(DoorError why)
    {
        if (FailureCodes.TryParse(why.Reason, out var code))
        {
            desk.Explained(instance, code, why.Hint ?? why.Message, requestId);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _ended, 1) == 0)
        {
            desk.Ended(instance, running, succeeded: _began && _failed == 0);
        }
    }
}
