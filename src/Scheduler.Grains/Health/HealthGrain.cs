using System.Collections.Immutable;

namespace Scheduler.Grains.Health;

[StatelessWorker]
[GrainType("health")]
internal sealed class HealthGrain(SiloHealth health) : Grain, IHealthGrain
{
    public Task<ImmutableArray<HealthLine>> CheckAsync() => health.CheckAsync();
}
