namespace Scheduler.Domain.Keys;

/// <summary>A sign-in to the dashboard that has not ended.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.OpenSession")]
public sealed record OpenSession(
    [property: Id(0)] string Id,
    [property: Id(1)] DateTimeOffset BeganAt,
    [property: Id(2)] DateTimeOffset EndsAt
);
