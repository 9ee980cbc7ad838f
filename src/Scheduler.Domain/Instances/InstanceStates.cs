using System.Diagnostics;

namespace Scheduler.Domain.Instances;

/// <summary>Sets of states, named by the question they answer.</summary>
public static class InstanceStates
{
    /// <summary>May a provider hold capacity that this instance means to use?</summary>
    /// <param name="state">The state.</param>
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

    /// <summary>Does every second of it cost money?</summary>
    /// <param name="state">The state.</param>
    public static bool IsBilled(this InstanceState state) => state == InstanceState.Running;

    /// <summary>May the spec be changed?</summary>
    /// <param name="state">The state.</param>
    public static bool MayChangeSpec(this InstanceState state) =>
        state is InstanceState.Stopped or InstanceState.Failed;

    /// <summary>Does the serving name belong to it?</summary>
    /// <param name="state">The state.</param>
    public static bool HoldsServingName(this InstanceState state) => state != InstanceState.Deleted;
}
