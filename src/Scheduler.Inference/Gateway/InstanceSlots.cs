using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.Edge;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Gateway;

/// <summary>
/// Limits open requests per instance: to the sequences at once of its launch, and to the setting of this process, so that
/// a slow instance fills only its own slots.
/// </summary>
internal sealed class InstanceSlots(IOptions<InferenceOptions> options)
{
    private const int RetrySeconds = 1;

    private readonly ConcurrentDictionary<InstanceId, int> _taken = new();

    /// <summary>Takes a slot.</summary>
    /// <returns>Dispose of it when the request has ended.</returns>
    /// <exception cref="ApiException">RATE_LIMITED: all slots are taken.</exception>
    public Slot Take(ServedInstance instance) =>
        TryTake(instance) ?? throw new ApiException(ApiError.Of(Busy(instance)));

    /// <returns>Null when all slots are taken.</returns>
    public Slot? TryTake(ServedInstance instance)
    {
        if (_taken.AddOrUpdate(instance.Id, 1, static (_, taken) => taken + 1) <= LimitOf(instance))
        {
            return new Slot(this, instance.Id);
        }

        Leave(instance.Id);
        return null;
    }

    /// <summary>Whether a slot is free now.</summary>
    public bool HasRoom(ServedInstance instance) => TakenAt(instance.Id) < LimitOf(instance);

    /// <summary>RATE_LIMITED: all slots are taken.</summary>
    public Failure Busy(ServedInstance instance) =>
        FailureCatalogue.Describe(new BusyInstanceFacts(instance.ServingName, LimitOf(instance), RetrySeconds));

    public int TakenAt(InstanceId instance) => _taken.GetValueOrDefault(instance);

    private int LimitOf(ServedInstance instance)
    {
        var most = options.Value.MaxRequestsPerInstance;
        return Math.Min(most, instance.SequencesAtOnce ?? most);
    }

    private void Leave(InstanceId instance)
    {
        if (_taken.AddOrUpdate(instance, 0, static (_, taken) => taken - 1) == 0)
        {
            _taken.TryRemove(new KeyValuePair<InstanceId, int>(instance, 0));
        }
    }

    /// <summary>The default is no slot.</summary>
    internal readonly struct Slot(InstanceSlots? slots, InstanceId instance) : IDisposable
    {
        public void Dispose() => slots?.Leave(instance);
    }
}
