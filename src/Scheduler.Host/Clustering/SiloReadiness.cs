using System.Collections.Immutable;
using Scheduler.Api.Health;
using Scheduler.Grains.Health;

namespace Scheduler.Host.Clustering;

/// <summary>A process with a silo is ready if the silo has joined, its store answers and it has offers.</summary>
internal sealed class SiloReadiness(SiloHealth health, ISiloStatusOracle silos) : IReadiness
{
    public async Task<ImmutableArray<HealthLine>> CheckAsync(CancellationToken cancellationToken)
    {
        var status = silos.CurrentStatus;
        var active = silos.GetApproximateSiloStatuses(onlyActive: true).Count;
        return
        [
            new HealthLine("silo", status == SiloStatus.Active, $"{status}, among {active} active"),
            .. await health.CheckAsync(cancellationToken),
        ];
    }
}
