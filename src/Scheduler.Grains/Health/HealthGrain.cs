using System.Collections.Immutable;

namespace Scheduler.Grains.Health;

/// <summary>Reports the health of the silo it runs in.</summary>
[StatelessWorker]
[GrainType("health")]
internal sealed class HealthGrain(SiloHealth health) : Grain, IHealthGrain
{
    public Task<ImmutableArray<HealthLine>> LookAsync() => health.LookAsync();
}
