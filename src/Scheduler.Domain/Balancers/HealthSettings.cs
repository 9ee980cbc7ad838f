namespace Scheduler.Domain.Balancers;

/// <summary>When a destination is out, and how it comes back. Each door of the cluster judges by what it sees itself.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.HealthSettings")]
public sealed record HealthSettings
{
    /// <summary>How often a door asks each destination whether it is well; zero for never.</summary>
    [Id(0)]
    public TimeSpan ProbeInterval { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long it waits for the answer.</summary>
    [Id(1)]
    public TimeSpan ProbeTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Probes that must fail in a row to put a destination out.</summary>
    [Id(2)]
    public int ProbeFailures { get; init; } = 3;

    /// <summary>Probes that must succeed in a row to let it back in.</summary>
    [Id(3)]
    public int ProbeSuccesses { get; init; } = 2;

    /// <summary>Requests that must fail in a row to eject a destination.</summary>
    [Id(4)]
    public int ConsecutiveFailures { get; init; } = 5;

    /// <summary>Share of failed requests in <see cref="Window"/> that ejects a destination, percent.</summary>
    [Id(5)]
    public int ErrorPercent { get; init; } = 50;

    /// <summary>Requests that <see cref="Window"/> must hold before their share of failures says anything.</summary>
    [Id(6)]
    public int MinimumRequests { get; init; } = 20;

    /// <summary>Over how long failures are counted.</summary>
    [Id(7)]
    public TimeSpan Window { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long the first ejection lasts; each further one twice as long as the one before.</summary>
    [Id(8)]
    public TimeSpan EjectFor { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>No ejection lasts longer. Whoever stayed in this long begins anew with <see cref="EjectFor"/>.</summary>
    [Id(9)]
    public TimeSpan EjectAtMost { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a destination that comes back takes to get its whole share again; zero for at once.</summary>
    [Id(10)]
    public TimeSpan SlowReturn { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Share of the balancer's destinations that may be out before failed requests eject no more, percent: one bad minute that hits all
    /// must not leave none.
    /// </summary>
    [Id(11)]
    public int MostEjectedPercent { get; init; } = 50;
}
