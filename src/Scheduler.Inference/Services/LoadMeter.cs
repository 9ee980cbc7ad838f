using System.Collections.Concurrent;
using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Services;

/// <summary>The traffic of all services that have requests in this process.</summary>
internal sealed class LoadMeter(HoldBudget held, TimeProvider clock)
{
    private readonly ConcurrentDictionary<ServiceId, ServiceTraffic> _services = new();

    public IEnumerable<ServiceTraffic> Services => _services.Select(known => known.Value);

    /// <summary>Counts a request to a service until the result is disposed.</summary>
    public Visit Enter(ServiceId service)
    {
        while (true)
        {
            var traffic = _services.GetOrAdd(
                service,
                static (id, self) => new ServiceTraffic(id, self.Budget, self.Clock),
                this
            );
            if (traffic.Requests.TryEnter())
            {
                return new Visit(traffic);
            }

            Remove(traffic);
        }
    }

    /// <summary>Forgets a service that has no request.</summary>
    /// <returns>Whether it is forgotten.</returns>
    public bool TryForget(ServiceTraffic traffic)
    {
        if (!traffic.Requests.TryClose())
        {
            return false;
        }

        Remove(traffic);
        return true;
    }

    private HoldBudget Budget => held;

    private TimeProvider Clock => clock;

    private void Remove(ServiceTraffic traffic) => _services.TryRemove(KeyValuePair.Create(traffic.Id, traffic));

    /// <summary>One request to a service; the default is a request to something else.</summary>
    internal readonly struct Visit(ServiceTraffic? traffic) : IDisposable
    {
        /// <summary>Null when the request is not for a service.</summary>
        public ServiceTraffic? Traffic => traffic;

        public void Dispose() => traffic?.Requests.Leave();
    }
}
