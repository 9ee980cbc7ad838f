using Scheduler.Inference.Balancers;
using Scheduler.Inference.Gateway;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Services;

/// <summary>A request's place at a replica: its slot is taken and it counts as load until this is disposed.</summary>
/// <param name="service">The service as it was when the replica was chosen.</param>
internal sealed class ReplicaPlace(
    ServedBalancer service,
    IDestinationLease lease,
    InstanceSlots.Slot slot,
    UseCount counted
) : IDestinationLease
{
    private int _isEnded;

    public ServedBalancer Service => service;

    public ServedInstance Instance => lease.Instance;

    public void Succeeded() => lease.Succeeded();

    public void Failed() => lease.Failed();

    public void Explained(Edge.ApiError why) => lease.Explained(why);

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isEnded, 1) == 0)
        {
            counted.Leave();
            slot.Dispose();
            lease.Dispose();
        }
    }
}
