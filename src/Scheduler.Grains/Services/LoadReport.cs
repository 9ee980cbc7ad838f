using System.Collections.Immutable;
using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Services;

/// <summary>The load of a service in one gateway process at one moment.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.LoadReport")]
public sealed record LoadReport
{
    /// <summary>Random name of the process.</summary>
    [Id(0)]
    public string Gateway { get; init; } = "";

    /// <summary>Increases with each report of the process: one that arrives late is dropped.</summary>
    [Id(1)]
    public long Sequence { get; init; }

    /// <summary>Requests that replicas are answering for this process.</summary>
    [Id(2)]
    public int Outstanding { get; init; }

    /// <summary>Requests that wait here for a ready replica.</summary>
    [Id(3)]
    public int Held { get; init; }

    /// <summary>Output tokens of the last second.</summary>
    [Id(4)]
    public long TokensPerSecond { get; init; }

    /// <summary>Requests in progress by replica, also of replicas that drain; those without any are left out.</summary>
    [Id(5)]
    public ImmutableArray<ReplicaLoad> Replicas { get; init; } = [];
}

[GenerateSerializer, Immutable, Alias("scheduler.ReplicaLoad")]
public sealed record ReplicaLoad([property: Id(0)] InstanceId Instance, [property: Id(1)] int Outstanding);
