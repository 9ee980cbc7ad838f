using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Instances;

/// <summary>Manages one serving name of one account, so that it resolves to at most one instance, balancer or service (INV-11).</summary>
[Alias("scheduler.IServingNameGrain")]
[GrainInterfaceType("scheduler.servingname")]
public interface IServingNameGrain : IGrainWithStringKey
{
    /// <summary>Claims the name. Returns its holder afterwards: the given one, or an earlier one that still holds it.</summary>
    [Alias("Claim")]
    Task<NameHolder> ClaimAsync(NameHolder holder);

    /// <summary>Releases the name; no effect if another holder has it.</summary>
    [Alias("Release")]
    Task ReleaseAsync(NameHolder holder);

    [Alias("Holder"), AlwaysInterleave]
    Task<NameHolder?> HolderAsync();
}

/// <summary>A grain that may hold a serving name.</summary>
[Alias("scheduler.INamed")]
[GrainInterfaceType("scheduler.named")]
internal interface INamed : IGrainWithStringKey
{
    /// <summary>Whether the grain exists, or is being created, and still holds its serving name.</summary>
    [Alias("HoldsName"), AlwaysInterleave]
    Task<bool> HoldsNameAsync();
}
