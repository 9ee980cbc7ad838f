using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Events;

/// <summary>
/// One entry of a timeline: a transition of an instance, or an action on an account, key, model or provider. Unique by
/// (subject, <see cref="Sequence"/>). The sequence counts 1, 2, 3 … without gaps (INV-04).
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.StoredEvent")]
public sealed record StoredEvent
{
    /// <summary>Position in the subject's timeline, from 1.</summary>
    [Id(0)]
    public long Sequence { get; init; }

    /// <summary>Time on the scheduler's clock.</summary>
    [Id(1)]
    public DateTimeOffset At { get; init; }

    /// <summary>A lifecycle trigger, or a verb such as <c>TopUp</c>, <c>KeyRevoked</c>, <c>Drained</c>.</summary>
    [Id(2)]
    public string Trigger { get; init; } = "";

    /// <summary>State before; null unless the event is a transition.</summary>
    [Id(3)]
    public string? From { get; init; }

    /// <summary>State after; null unless the event is a transition.</summary>
    [Id(4)]
    public string? To { get; init; }

    [Id(5)]
    public string Reason { get; init; } = "";

    [Id(6)]
    public RequestId RequestId { get; init; }

    /// <summary>The originator: <c>key:{prefix}</c>, <c>scheduler</c> or <c>provider:{id}</c>.</summary>
    [Id(7)]
    public string Actor { get; init; } = "";

    /// <summary>The failure code; <see cref="FailureCode.None"/> when the event is no failure.</summary>
    [Id(8), JsonConverter(typeof(FailureCodeConverter))]
    public FailureCode Code { get; init; }

    [Id(9)]
    public ImmutableSortedDictionary<string, string> Data { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;
}
