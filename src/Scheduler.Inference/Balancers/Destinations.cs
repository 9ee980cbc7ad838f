using System.Collections.Frozen;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Balancers;

/// <summary>The destinations of a balancer at one moment; free names and balancers are left out.</summary>
internal sealed class Destinations
{
    private readonly FrozenDictionary<string, ServedInstance> _instances;

    private Destinations(IEnumerable<ServedInstance> instances)
    {
        _instances = instances.ToFrozenDictionary(instance => instance.ServingName, StringComparer.Ordinal);
        Running = [.. _instances.Values.Where(instance => instance.IsServing).Select(i => i.ServingName)];
    }

    public IEnumerable<ServedInstance> Instances => _instances.Values;

    /// <summary>Serving names of the destinations that can take requests.</summary>
    public IReadOnlyCollection<string> Running { get; }

    public ServedInstance? Of(string servingName) => _instances.GetValueOrDefault(servingName);

    /// <summary>Finds all destinations. Only the first lookup of a name waits for a grain.</summary>
    public static async ValueTask<Destinations> FindAsync(
        IServingTable names,
        ServedBalancer balancer,
        CancellationToken cancellationToken
    )
    {
        var found = new List<ServedInstance>();
        foreach (var name in balancer.Destinations)
        {
            if (await FindAsync(names, balancer, name, cancellationToken) is { } instance)
            {
                found.Add(instance);
            }
        }

        return new Destinations(found);
    }

    private static async ValueTask<ServedInstance?> FindAsync(
        IServingTable names,
        ServedBalancer balancer,
        string name,
        CancellationToken cancellationToken
    )
    {
        try
        {
            return await names.FindAsync(balancer.Account, name, cancellationToken) as ServedInstance;
        }
        catch (Exception e) when (e is TimeoutException or OrleansException)
        {
            // A destination whose grain does not answer must not fail the others.
            return null;
        }
    }
}
