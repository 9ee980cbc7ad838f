using System.Collections.Immutable;
using Scheduler.Grains.Health;

namespace Scheduler.Api.Health;

/// <summary>A readiness check. The host adds the checks of its role.</summary>
public interface IReadiness
{
    Task<ImmutableArray<HealthLine>> CheckAsync(CancellationToken cancellationToken);
}
