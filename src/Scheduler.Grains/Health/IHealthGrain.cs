using System.Collections.Immutable;

namespace Scheduler.Grains.Health;

/// <summary>What doors without a silo ask to know whether they have anyone to pass requests to.</summary>
[Alias("scheduler.IHealthGrain")]
[GrainInterfaceType("scheduler.health")]
public interface IHealthGrain : IGrainWithStringKey
{
    /// <summary>How the silo that answers stands.</summary>
    [Alias("Look")]
    Task<ImmutableArray<HealthLine>> LookAsync();
}
