namespace Scheduler.Domain.Balancers;

/// <summary>Each gateway decides from its own observations.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.HealthSettings")]
public sealed record HealthSettings
{
    /// <summary>Interval of the health probes of each gateway to each destination; zero disables probes.</summary>
    [Id(0)]
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromSeconds(10);

    [Id(1)]
    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>In a row; they take a destination out.</summary>
    [Id(2)]
    public int ProbeFailures { get; init; } = 3;

    /// <summary>In a row; they let it return.</summary>
    [Id(3)]
    public int ProbeSuccesses { get; init; } = 2;

    /// <summary>In a row; they eject a destination.</summary>
    [Id(4)]
    public int ConsecutiveFailures { get; init; } = 5;

    /// <summary>Share of failed requests in <see cref="Window"/> that ejects a destination, percent.</summary>
    [Id(5)]
    public int ErrorPercent { get; init; } = 50;

    /// <summary>Minimum number of requests in <see cref="Window"/> for <see cref="ErrorPercent"/> to apply.</summary>
    [Id(6)]
    public int MinimumRequests { get; init; } = 20;

    /// <summary>Length of the sliding window for <see cref="ErrorPercent"/>.</summary>
    [Id(7)]
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Length of the first ejection; each further one is twice as long as the previous one.</summary>
    [Id(8)]
    public TimeSpan EjectFor { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>After this long without an ejection the next one lasts <see cref="EjectFor"/> again.</summary>
    [Id(9)]
    public TimeSpan EjectAtMost { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Time in which a returning destination regains its full share; zero for at once.</summary>
    [Id(10)]
    public TimeSpan SlowReturn { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Maximum share of the balancer's destinations that may be out, percent; above it failed requests eject no more. A
    /// short failure of all destinations must not eject all of them.
    /// </summary>
    [Id(11)]
    public int MostEjectedPercent { get; init; } = 50;
}
