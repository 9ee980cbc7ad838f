using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;

namespace Scheduler.Domain.Events;

/// <summary>
/// One line of a timeline: a transition of an instance, or an act on an account, key, model or provider. Unique by
/// (subject, <see cref="Sequence"/>), which counts 1, 2, 3 … without gaps (INV-04).
/// </summary>
[GenerateSerializer, Immutable, Alias("scheduler.StoredEvent")]
public sealed record StoredEvent
{
    /// <summary>Place in the subject's timeline, from 1.</summary>
    [Id(0)]
    public long Sequence { get; init; }

    /// <summary>When, on the scheduler's clock.</summary>
    [Id(1)]
    public DateTimeOffset At { get; init; }

    /// <summary>What caused it: a trigger of the lifecycle, or a verb such as <c>TopUp</c>, <c>KeyRevoked</c>, <c>Drained</c>.</summary>
    [Id(2)]
    public string Trigger { get; init; } = "";

    /// <summary>State before, for transitions.</summary>
    [Id(3)]
    public string? From { get; init; }

    /// <summary>State after, for transitions.</summary>
    [Id(4)]
    public string? To { get; init; }

    /// <summary>One line for people: why.</summary>
    [Id(5)]
    public string Reason { get; init; } = "";

    /// <summary>The request under which it happened.</summary>
    [Id(6)]
    public RequestId RequestId { get; init; }

    /// <summary>Who: <c>key:{prefix}</c>, <c>scheduler</c>, <c>provider:{id}</c>.</summary>
    [Id(7)]
    public string Actor { get; init; } = "";

    /// <summary>The failure code, where the event is one.</summary>
    [Id(8), JsonConverter(typeof(FailureCodeConverter))]
    public FailureCode Code { get; init; }

    /// <summary>Further facts by name.</summary>
    [Id(9)]
    public ImmutableSortedDictionary<string, string> Data { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;
}
