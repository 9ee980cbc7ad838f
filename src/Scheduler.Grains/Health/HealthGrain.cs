using System.Collections.Immutable;

namespace Scheduler.Grains.Health;

/// <summary>Answers for the silo it happens to be in.</summary>
[StatelessWorker]
[GrainType("health")]
internal sealed class HealthGrain(SiloHealth health) : Grain, IHealthGrain
{
    public Task<ImmutableArray<HealthLine>> LookAsync() => health.LookAsync();
}
