using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Placement;

/// <summary>What re-routing avoids after a timeout.</summary>
/// <param name="Provider">Who rents it.</param>
/// <param name="Region">Where, in the provider's own words.</param>
/// <param name="GpuType">Which GPU, by catalogue name.</param>
[GenerateSerializer, Immutable, Alias("scheduler.Route")]
public readonly record struct Route(
    [property: Id(0)] ProviderId Provider,
    [property: Id(1)] string Region,
    [property: Id(2)] string GpuType
)
{
    /// <summary><c>provider/region/gpu</c>.</summary>
    public override string ToString() => $"{Provider}/{Region}/{GpuType}";
}
