using System.Collections.Immutable;
using Scheduler.Grains.Health;

namespace Scheduler.Api.Health;

/// <summary>Knows some of what must be in order before requests can be served. The host adds what its role needs.</summary>
public interface IReadiness
{
    /// <summary>Looks now.</summary>
    /// <param name="cancellationToken">Ends the look.</param>
    Task<ImmutableArray<HealthLine>> LookAsync(CancellationToken cancellationToken);
}
