using Scheduler.Domain.Balancers;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;

namespace Scheduler.Grains.Balancers;

/// <summary>One destination as one gateway process sees it.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.DestinationView")]
public sealed record DestinationView
{
    [Id(0)]
    public string ServingName { get; init; } = "";

    /// <summary>Instance with the serving name; null when there is none.</summary>
    [Id(1)]
    public InstanceId? Instance { get; init; }

    /// <summary>State of the instance; null when there is none.</summary>
    [Id(2)]
    public InstanceState? State { get; init; }

    /// <summary>Health by its requests and probes in this process.</summary>
    [Id(3)]
    public DestinationCondition Condition { get; init; }

    /// <summary>End of the ejection; null when not ejected.</summary>
    [Id(4)]
    public DateTimeOffset? EjectedUntil { get; init; }

    /// <summary>Ejections in a row, without a healthy period in between.</summary>
    [Id(5)]
    public int Ejections { get; init; }

    /// <summary>Effective share of the weight, in thousandths.</summary>
    [Id(6)]
    public int Share { get; init; }

    /// <summary>Open requests from this process.</summary>
    [Id(7)]
    public int Outstanding { get; init; }

    /// <summary>Consecutive failed requests up to now.</summary>
    [Id(8)]
    public int FailuresInARow { get; init; }

    /// <summary>Error of the latest failed probe; null after a success.</summary>
    [Id(9)]
    public string? ProbeError { get; init; }
}

/// <param name="Instance">The instance behind the serving name at that time.</param>
[GenerateSerializer, Immutable, Alias("scheduler.DestinationFailure")]
public sealed record DestinationFailure(
    [property: Id(0)] DateTimeOffset At,
    [property: Id(1)] string ServingName,
    [property: Id(2)] InstanceId? Instance,
    [property: Id(3)] FailureCode Code,
    [property: Id(4)] string Hint,
    [property: Id(5)] RequestId RequestId
);
