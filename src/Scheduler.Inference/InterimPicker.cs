using Scheduler.Inference.Balancers;

namespace Scheduler.Inference;

internal sealed class InterimPicker : IDestinationPicker
{
    public ValueTask<Destination> PickAsync(RoutingQuestion question, CancellationToken cancellationToken) =>
        throw new NotSupportedException("No balancers yet.");
}
