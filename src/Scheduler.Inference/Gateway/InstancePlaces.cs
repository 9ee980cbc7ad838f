using System.Collections.Concurrent;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Keys;
using Scheduler.Edge;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Gateway;

/// <summary>How many requests of this door are under way at each instance: a slow one fills its own places and nobody else's.</summary>
internal sealed class InstancePlaces(IOptions<InferenceOptions> options)
{
    private const int RetrySeconds = 1;

    private readonly ConcurrentDictionary<InstanceId, int> _taken = new();

    /// <summary>Takes a place.</summary>
    /// <returns>To be disposed of when the request has ended.</returns>
    /// <exception cref="DoorException">RATE_LIMITED: there is none.</exception>
    public Place Take(ServedInstance instance)
    {
        var limit = options.Value.MaxRequestsPerInstance;
        if (_taken.AddOrUpdate(instance.Id, 1, static (_, taken) => taken + 1) <= limit)
        {
            return new Place(this, instance.Id);
        }

        Leave(instance.Id);
        var facts = new BusyInstanceFacts(instance.ServingName, limit, RetrySeconds);
        throw new DoorException(DoorError.Of(FailureCatalogue.Describe(facts)));
    }

    /// <summary>How many are taken.</summary>
    public int TakenAt(InstanceId instance) => _taken.GetValueOrDefault(instance);

    private void Leave(InstanceId instance)
    {
        if (_taken.AddOrUpdate(instance, 0, static (_, taken) => taken - 1) == 0)
        {
            _taken.TryRemove(new KeyValuePair<InstanceId, int>(instance, 0));
        }
    }

    /// <summary>One place.</summary>
    internal readonly struct Place(InstancePlaces places, InstanceId instance) : IDisposable
    {
        /// <summary>Gives it back.</summary>
        public void Dispose() => places.Leave(instance);
    }
}
