using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Placement;

/// <summary>A provider, region and GPU type; re-routing avoids a route after a timeout.</summary>
/// <param name="Region">The provider's own region name.</param>
/// <param name="GpuType">Name in the GPU catalogue.</param>
[GenerateSerializer, Immutable, Alias("scheduler.Route")]
public readonly record struct Route(
    [property: Id(0)] ProviderId Provider,
    [property: Id(1)] string Region,
    [property: Id(2)] string GpuType
)
{
    public override string ToString() => $"{Provider}/{Region}/{GpuType}";
}
