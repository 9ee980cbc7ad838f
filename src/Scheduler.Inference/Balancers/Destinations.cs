using System.Collections.Frozen;
using Scheduler.Inference.Serving;

namespace Scheduler.Inference.Balancers;

/// <summary>The destinations of a balancer as they are served at one moment. A name that is free, or another balancer's, is none.</summary>
internal sealed class Destinations
{
    private readonly FrozenDictionary<string, ServedInstance> _instances;

    private Destinations(IEnumerable<ServedInstance> instances)
    {
        _instances = instances.ToFrozenDictionary(instance => instance.ServingName, StringComparer.Ordinal);
        Running = [.. _instances.Values.Where(instance => instance.IsServing).Select(i => i.ServingName)];
    }

    /// <summary>All that are there, whatever their state.</summary>
    public IEnumerable<ServedInstance> Instances => _instances.Values;

    /// <summary>Serving names of those that requests can be sent to.</summary>
    public IReadOnlyCollection<string> Running { get; }

    /// <summary>The instance of a name, or null.</summary>
    public ServedInstance? Of(string servingName) => _instances.GetValueOrDefault(servingName);

    /// <summary>Looks all of them up; after the first time nothing waits for a grain.</summary>
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
            // One that nobody can tell of now must not take the others down with it.
            return null;
        }
    }
}
