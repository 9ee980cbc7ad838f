using Scheduler.Domain.Ids;
using Scheduler.Domain.Services;

namespace Scheduler.Grains.Services;

/// <summary>Messages to a service about its replicas. Each is safe to repeat, to lose, and to arrive late.</summary>
[Alias("scheduler.IServiceInbox")]
[GrainInterfaceType("scheduler.serviceinbox")]
internal interface IServiceInbox : IGrainWithStringKey
{
    /// <summary>An instance that says that it is a replica of this service changed.</summary>
    [Alias("ReplicaChanged"), OneWay]
    Task ReplicaChangedAsync(InstanceId instance, ReplicaSight seen);

    /// <summary>The state of a replica's instance was read.</summary>
    /// <param name="start">The start that was answered; 0 for none.</param>
    [Alias("ReplicaSeen")]
    Task ReplicaSeenAsync(int replica, int start, ReplicaSight seen);

    /// <summary>The instance of a replica could not be created or started.</summary>
    [Alias("ReplicaRefused")]
    Task ReplicaRefusedAsync(int replica, int start, Refusal refusal);

    /// <summary>A replica that leaves has no instance.</summary>
    [Alias("ReplicaAbsent")]
    Task ReplicaAbsentAsync(int replica);
}
