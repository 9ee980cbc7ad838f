using System.Collections.Frozen;
using System.Diagnostics;

namespace Scheduler.Domain.Instances;

public static class InstanceStates
{
    private static readonly FrozenDictionary<InstanceState, string> Names = Enum.GetValues<InstanceState>()
        .ToFrozenDictionary(state => state, state => state.ToString().ToLowerInvariant());

    /// <summary>The name in texts, addresses and pages, for example <c>running</c>.</summary>
    public static string WireName(this InstanceState state) => Names[state];

    /// <summary>Parses what <see cref="WireName"/> returns; false for any other text.</summary>
    public static bool TryParse(string? name, out InstanceState state) =>
        Enum.TryParse(name, ignoreCase: true, out state) && Names.GetValueOrDefault(state) == name;

    /// <summary>Whether a provider may hold capacity that this instance intends to use.</summary>
    public static bool MayHoldAllocation(this InstanceState state) =>
        state switch
        {
            InstanceState.Provisioning or InstanceState.Starting or InstanceState.Running => true,
            InstanceState.Stopped
            or InstanceState.Checking
            or InstanceState.Stopping
            or InstanceState.Failed
            or InstanceState.Deleted
            or InstanceState.Waiting => false,
            _ => throw new UnreachableException(),
        };

    /// <summary>Whether a launch is on its way that ends in <c>running</c> without another command, if nothing fails.</summary>
    public static bool IsLaunching(this InstanceState state) =>
        state
            is InstanceState.Waiting
                or InstanceState.Checking
                or InstanceState.Provisioning
                or InstanceState.Starting;

    public static bool IsBilled(this InstanceState state) => state == InstanceState.Running;

    public static bool MayChangeSpec(this InstanceState state) =>
        state is InstanceState.Stopped or InstanceState.Failed;

    public static bool HoldsServingName(this InstanceState state) => state != InstanceState.Deleted;
}
