namespace Scheduler.Domain.Keys;

/// <summary>One sign-in to the dashboard with a key.</summary>
/// <param name="Id">Random; unique among the sessions of its key.</param>
/// <param name="EndsAt">The session is over from this moment on, however much it is used.</param>
[GenerateSerializer, Immutable, Alias("scheduler.KeySession")]
public sealed record KeySession([property: Id(0)] string Id, [property: Id(1)] DateTimeOffset EndsAt);
