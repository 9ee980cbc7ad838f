using System.Collections.Immutable;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Services;
using Scheduler.Grains.Instances;

namespace Scheduler.Grains.Services;

/// <summary>Why a service has the replicas that it has.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ServiceExplanation")]
public sealed record ServiceExplanation
{
    [Id(0)]
    public ServiceDetail Detail { get; init; } = null!;

    /// <summary>What would change the number of wanted replicas, one sentence each.</summary>
    [Id(1)]
    public ImmutableArray<string> Scaling { get; init; } = [];

    /// <summary>Replicas that are wanted and do not serve.</summary>
    [Id(2)]
    public ImmutableArray<MissingReplica> Missing { get; init; } = [];

    /// <summary>What the launch of one more replica would find now; null when its names are not known any more.</summary>
    [Id(3)]
    public LaunchExplanation? Launch { get; init; }
}

/// <param name="What">What it does now, in one sentence.</param>
/// <param name="Failure">What ended its last launch; null without a failure.</param>
/// <param name="StartAt">When it starts again; null unless it waits.</param>
[GenerateSerializer, Immutable, Alias("scheduler.MissingReplica")]
public sealed record MissingReplica(
    [property: Id(0)] Replica Replica,
    [property: Id(1)] string What,
    [property: Id(2)] Failure? Failure,
    [property: Id(3)] DateTimeOffset? StartAt
);
