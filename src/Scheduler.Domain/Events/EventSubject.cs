using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Events;

/// <summary>The entity that an event is about.</summary>
/// <param name="Kind">
/// The grain state's name: <c>instance</c>, <c>account</c>, <c>key</c>, <c>model</c>, <c>provider</c>.
/// </param>
/// <param name="Account">The owning account; null for entities of the operator.</param>
[GenerateSerializer, Immutable, Alias("scheduler.EventSubject")]
public sealed record EventSubject(
    [property: Id(0)] string Kind,
    [property: Id(1)] string Id,
    [property: Id(2)] AccountId? Account
);

[GenerateSerializer, Immutable, Alias("scheduler.SubjectEvent")]
public sealed record SubjectEvent([property: Id(0)] EventSubject Subject, [property: Id(1)] StoredEvent Event);
