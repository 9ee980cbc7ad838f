namespace Scheduler.Grains.Health;

/// <param name="Name">Lower snake case: <c>store</c>, <c>silo</c>, <c>offers</c> …</param>
/// <param name="Finding">Finding for people. Never an address or a secret, because reading it needs no key.</param>
[GenerateSerializer, Immutable, Alias("scheduler.HealthLine")]
public sealed record HealthLine(
    [property: Id(0)] string Name,
    [property: Id(1)] bool IsOk,
    [property: Id(2)] string Finding
);
