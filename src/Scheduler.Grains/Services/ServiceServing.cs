using System.Collections.Immutable;
using Scheduler.Domain.Balancers;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Services;

namespace Scheduler.Grains.Services;

/// <summary>A service as a gateway sees it.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.ServiceServing")]
public sealed record ServiceServing
{
    [Id(0)]
    public ServiceId Id { get; init; }

    [Id(1)]
    public AccountId Account { get; init; }

    [Id(2)]
    public string ServingName { get; init; } = "";

    /// <summary>Increases with every change.</summary>
    [Id(3)]
    public long Version { get; init; }

    /// <summary>Slug of the firewall for all requests; null for none.</summary>
    [Id(4)]
    public string? Firewall { get; init; }

    /// <summary>Replicas that take requests when they run; those that leave are not among them.</summary>
    [Id(5)]
    public ImmutableArray<ServingReplica> Replicas { get; init; } = [];

    [Id(6)]
    public ServiceAffinity Affinity { get; init; }

    [Id(7)]
    public HoldSettings Hold { get; init; } = new();

    /// <summary>What a held request waits for, in one sentence; empty while a replica is ready.</summary>
    [Id(8)]
    public string WaitsFor { get; init; } = "";

    /// <summary>The failure with which all held requests are answered at once; null while waiting may help.</summary>
    [Id(9)]
    public FailureRecord? Failure { get; init; }

    [Id(10)]
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>
    /// How requests are shared: one route to a group of the replicas, with the health rules of a balancer. One that does not run yet is a
    /// member too, so that a gateway sends requests as soon as it does.
    /// </summary>
    public BalancerSpec ToBalancerSpec() =>
        new()
        {
            Routes =
            [
                new BalancerRoute
                {
                    Name = Group,
                    Group = Group,
                    IsDefault = true,
                },
            ],
            Groups =
            [
                new TargetGroup
                {
                    Name = Group,
                    Policy = Affinity switch
                    {
                        ServiceAffinity.None => GroupPolicy.LeastOutstanding,
                        ServiceAffinity.Session => GroupPolicy.Session,
                        ServiceAffinity.Prefix => GroupPolicy.Prefix,
                        _ => throw new System.Diagnostics.UnreachableException(),
                    },
                    Members = [.. Replicas.Select(replica => new GroupMember(replica.ServingName, 1))],
                },
            ],
            Firewall = Firewall,
        };

    private const string Group = "replicas";

    public static ServiceServing Of(ServiceRecord record) =>
        new()
        {
            Id = record.Id,
            Account = record.Account,
            ServingName = record.ServingName,
            Version = record.Version,
            Firewall = record.Spec.Firewall,
            Replicas =
            [
                .. record.Staying.Select(replica => new ServingReplica(
                    replica.Instance,
                    replica.ServingName,
                    replica.IsReady
                )),
            ],
            Affinity = record.Spec.Affinity,
            Hold = record.Spec.Hold,
            WaitsFor = ServiceWords.WaitsFor(record),
            Failure = record.Ready > 0 ? null : record.Failure,
            CreatedAt = record.CreatedAt,
        };
}

/// <param name="IsReady">Whether it runs, as the service last saw it.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ServingReplica")]
public sealed record ServingReplica(
    [property: Id(0)] InstanceId Instance,
    [property: Id(1)] string ServingName,
    [property: Id(2)] bool IsReady
);
