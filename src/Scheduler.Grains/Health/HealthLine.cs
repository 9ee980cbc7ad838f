namespace Scheduler.Grains.Health;

/// <summary>One thing that must be in order for requests to be served, as it was found.</summary>
/// <param name="Name">Lower snake case: <c>store</c>, <c>silo</c>, <c>offers</c> …</param>
/// <param name="IsOk">Whether it is in order.</param>
/// <param name="Says">What was found, for people who look; never an address or a secret, since nobody must show a key to read it.</param>
[GenerateSerializer, Immutable, Alias("scheduler.HealthLine")]
public sealed record HealthLine(
    [property: Id(0)] string Name,
    [property: Id(1)] bool IsOk,
    [property: Id(2)] string Says
);
