using Scheduler.Domain.Balancers;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;

namespace Scheduler.Grains.Balancers;

/// <summary>One destination as one door sees it.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.DestinationView")]
public sealed record DestinationView
{
    /// <summary>Serving name.</summary>
    [Id(0)]
    public string ServingName { get; init; } = "";

    /// <summary>Which instance has it; null when none does.</summary>
    [Id(1)]
    public InstanceId? Instance { get; init; }

    /// <summary>Where that stands; null when there is none.</summary>
    [Id(2)]
    public InstanceState? State { get; init; }

    /// <summary>How its requests and probes went here.</summary>
    [Id(3)]
    public DestinationCondition Condition { get; init; }

    /// <summary>Until when it is ejected; null while it is not.</summary>
    [Id(4)]
    public DateTimeOffset? EjectedUntil { get; init; }

    /// <summary>How often it was ejected without a calm spell between.</summary>
    [Id(5)]
    public int Ejections { get; init; }

    /// <summary>How much of its weight counts, in thousandths.</summary>
    [Id(6)]
    public int Share { get; init; }

    /// <summary>Requests under way there from this door.</summary>
    [Id(7)]
    public int Outstanding { get; init; }

    /// <summary>Requests that failed in a row up to now.</summary>
    [Id(8)]
    public int FailuresInARow { get; init; }

    /// <summary>What its latest failed probe said; null after one that succeeded.</summary>
    [Id(9)]
    public string? ProbeError { get; init; }
}

/// <summary>A request that failed at a destination.</summary>
/// <param name="At">When.</param>
/// <param name="ServingName">Where.</param>
/// <param name="Instance">Which instance that was.</param>
/// <param name="Code">With what.</param>
/// <param name="Hint">What to do.</param>
/// <param name="RequestId">Which request.</param>
[GenerateSerializer, Immutable, Alias("scheduler.DestinationFailure")]
public sealed record DestinationFailure(
    [property: Id(0)] DateTimeOffset At,
    [property: Id(1)] string ServingName,
    [property: Id(2)] InstanceId? Instance,
    [property: Id(3)] FailureCode Code,
    [property: Id(4)] string Hint,
    [property: Id(5)] RequestId RequestId
);
