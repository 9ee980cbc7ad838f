using System.Diagnostics;

namespace Scheduler.Domain.Instances;

public static class InstanceStates
{
    /// <summary>Whether a provider may hold capacity that this instance intends to use.</summary>
    public static bool MayHoldAllocation(this InstanceState state) =>
        state switch
        {
            InstanceState.Provisioning or InstanceState.Starting or InstanceState.Running => true,
            InstanceState.Stopped
            or InstanceState.Checking
            or InstanceState.Stopping
            or InstanceState.Failed
            or InstanceState.Deleted => false,
            _ => throw new UnreachableException(),
        };

    public static bool IsBilled(this InstanceState state) => state == InstanceState.Running;

    public static bool MayChangeSpec(this InstanceState state) =>
        state is InstanceState.Stopped or InstanceState.Failed;

    public static bool HoldsServingName(this InstanceState state) => state != InstanceState.Deleted;
}
