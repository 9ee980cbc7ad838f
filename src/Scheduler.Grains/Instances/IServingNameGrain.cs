using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Instances;

/// <summary>Owns one serving name of one account, so that it resolves to at most one instance or balancer (INV-11).</summary>
[Alias("scheduler.IServingNameGrain")]
[GrainInterfaceType("scheduler.servingname")]
public interface IServingNameGrain : IGrainWithStringKey
{
    /// <summary>Takes the name.</summary>
    /// <param name="holder">Who wants it.</param>
    /// <returns>Whose it is now: the asker's, or an earlier holder's.</returns>
    [Alias("Claim")]
    Task<NameHolder> ClaimAsync(NameHolder holder);

    /// <summary>Gives the name back, if it is held by who says so.</summary>
    /// <param name="holder">Who held it.</param>
    [Alias("Release")]
    Task ReleaseAsync(NameHolder holder);

    /// <summary>Who holds it, or null.</summary>
    [Alias("Holder"), AlwaysInterleave]
    Task<NameHolder?> HolderAsync();
}

/// <summary>What every grain that may hold a serving name answers.</summary>
[Alias("scheduler.INamed")]
[GrainInterfaceType("scheduler.named")]
internal interface INamed : IGrainWithStringKey
{
    /// <summary>Whether its serving name is still its own.</summary>
    [Alias("HoldsName"), AlwaysInterleave]
    Task<bool> HoldsNameAsync();
}
