using System.Collections.Immutable;

namespace Scheduler.Grains.Health;

/// <summary>Queried by API processes without a silo to check that a silo answers.</summary>
[Alias("scheduler.IHealthGrain")]
[GrainInterfaceType("scheduler.health")]
public interface IHealthGrain : IGrainWithStringKey
{
    [Alias("Look")]
    Task<ImmutableArray<HealthLine>> CheckAsync();
}
