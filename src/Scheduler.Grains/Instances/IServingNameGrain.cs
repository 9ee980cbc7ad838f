using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Instances;

/// <summary>Owns one serving name of one account, so that it resolves to at most one instance (INV-11).</summary>
[Alias("scheduler.IServingNameGrain")]
[GrainInterfaceType("scheduler.servingname")]
public interface IServingNameGrain : IGrainWithStringKey
{
    /// <summary>Takes the name for an instance.</summary>
    /// <param name="instance">Who wants it.</param>
    /// <returns>Whose it is now: the asker's, or an earlier holder's.</returns>
    [Alias("Claim")]
    Task<InstanceId> ClaimAsync(InstanceId instance);

    /// <summary>Gives the name back, if the instance holds it.</summary>
    /// <param name="instance">Who held it.</param>
    [Alias("Release")]
    Task ReleaseAsync(InstanceId instance);

    /// <summary>Who holds it, or null.</summary>
    [Alias("Holder"), AlwaysInterleave]
    Task<InstanceId?> HolderAsync();
}
