namespace Scheduler.Domain.Balancers;

/// <summary>One balancer's destinations at one gateway; limits how many of them failed requests eject.</summary>
public sealed class HealthPool(HealthSettings settings)
{
    private readonly Dictionary<string, DestinationHealth> _destinations = new(StringComparer.Ordinal);

    /// <summary>A new destination starts healthy.</summary>
    public DestinationHealth Of(string servingName)
    {
        if (!_destinations.TryGetValue(servingName, out var health))
        {
            _destinations[servingName] = health = new DestinationHealth(settings);
        }

        return health;
    }

    /// <summary>Forgets a destination that is none any more.</summary>
    public void Forget(string servingName) => _destinations.Remove(servingName);

    /// <summary>Records the result of a request; returns whether it ejected the destination.</summary>
    /// <param name="running">The destinations that run now; the others take no requests and do not count.</param>
    /// <param name="succeeded">Whether the runtime handled the request correctly.</param>
    public bool RecordRequest(
        string servingName,
        IReadOnlyCollection<string> running,
        DateTimeOffset now,
        bool succeeded
    )
    {
        var mayEject = !succeeded && (OutOf(running, now) + 1) * 100 <= running.Count * settings.MostEjectedPercent;
        return Of(servingName).RecordRequest(now, succeeded, mayEject);
    }

    private int OutOf(IReadOnlyCollection<string> running, DateTimeOffset now) =>
        running.Count(name =>
            Of(name).ConditionAt(now) is DestinationCondition.Ejected or DestinationCondition.ProbeFailed
        );
}
