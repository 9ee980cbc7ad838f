using Scheduler.Domain.Ids;

namespace Scheduler.Grains.Queries;

/// <summary>One thing that a search found.</summary>
/// <param name="Id">Id of its page; the name itself for a region, a GPU type or a model.</param>
/// <param name="Name">What the search compared: serving name, display name or the id.</param>
/// <param name="Account">Owner; null for what belongs to no account.</param>
/// <param name="IsExact">Whether the text is its whole name or id, without regard to case.</param>
[GenerateSerializer, Immutable, Alias("scheduler.SearchHit")]
public sealed record SearchHit(
    [property: Id(0)] SearchKind Kind,
    [property: Id(1)] string Id,
    [property: Id(2)] string Name,
    [property: Id(3)] AccountId? Account,
    [property: Id(4)] bool IsExact
);

public enum SearchKind
{
    Instance = 1,

    Balancer = 2,

    Account = 3,

    Provider = 4,

    Region = 5,

    GpuType = 6,

    Model = 7,
}
