namespace Scheduler.Domain.Balancers;

/// <summary>The destinations of one balancer as one door sees them: each with its health, and all together never ejected too far.</summary>
/// <param name="settings">The balancer's.</param>
public sealed class HealthPool(HealthSettings settings)
{
    private readonly Dictionary<string, DestinationHealth> _destinations = new(StringComparer.Ordinal);

    /// <summary>What is known of one; nothing is held against a new one.</summary>
    /// <param name="servingName">Which.</param>
    public DestinationHealth Of(string servingName)
    {
        if (!_destinations.TryGetValue(servingName, out var health))
        {
            _destinations[servingName] = health = new DestinationHealth(settings);
        }

        return health;
    }

    /// <summary>Notes how a request ended.</summary>
    /// <param name="servingName">Where.</param>
    /// <param name="running">The destinations that run now; the others are out anyway and count for nothing.</param>
    /// <param name="now">The present.</param>
    /// <param name="succeeded">Whether the runtime did its part.</param>
    /// <returns>Whether this ejected it.</returns>
    public bool NoteRequest(string servingName, IReadOnlyCollection<string> running, DateTimeOffset now, bool succeeded)
    {
        ArgumentNullException.ThrowIfNull(running);
        var mayEject = !succeeded && (OutOf(running, now) + 1) * 100 <= running.Count * settings.MostEjectedPercent;
        return Of(servingName).NoteRequest(now, succeeded, mayEject);
    }

    private int OutOf(IReadOnlyCollection<string> running, DateTimeOffset now) =>
        running.Count(name =>
            Of(name).ConditionAt(now) is DestinationCondition.Ejected or DestinationCondition.ProbeFailed
        );
}
