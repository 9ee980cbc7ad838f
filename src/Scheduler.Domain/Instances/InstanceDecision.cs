using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Scheduler.Domain.Instances;

/// <summary>What a trigger comes to: the record to be written, or a refusal that names what is allowed.</summary>
public sealed record InstanceDecision
{
    private InstanceDecision(
        InstanceRecord? next,
        InstanceState state,
        ImmutableArray<InstanceTrigger> allowed,
        string? why
    )
    {
        Next = next;
        State = state;
        Allowed = allowed;
        Why = why;
    }

    /// <summary>The record to be written, or null.</summary>
    public InstanceRecord? Next { get; }

    /// <summary>The state it was decided in.</summary>
    public InstanceState State { get; }

    /// <summary>What that state permits.</summary>
    public ImmutableArray<InstanceTrigger> Allowed { get; }

    /// <summary>Why it is refused, or null.</summary>
    public string? Why { get; }

    /// <summary>Whether it is permitted.</summary>
    [MemberNotNullWhen(true, nameof(Next))]
    [MemberNotNullWhen(false, nameof(Why))]
    public bool IsPermitted => Next is not null;

    /// <summary>Permitted.</summary>
    public static InstanceDecision Write(InstanceRecord next, InstanceState from) => new(next, from, [], null);

    /// <summary>Refused.</summary>
    public static InstanceDecision Refuse(InstanceState state, string why) =>
        new(null, state, InstanceLifecycle.AllowedIn(state), why);

    /// <summary>
    /// Two decisions in one write: the second is taken on what the first would have written, and both leave their events. A refusal of
    /// either is the answer.
    /// </summary>
    /// <param name="then">The second decision.</param>
    public InstanceDecision And(Func<InstanceRecord, InstanceDecision> then)
    {
        ArgumentNullException.ThrowIfNull(then);
        if (!IsPermitted)
        {
            return this;
        }

        var second = then(Next);
        return second.IsPermitted
            ? Write(
                second.Next with
                {
                    Events = [.. Next.Events, .. second.Next.Events],
                    Generation = Next.Generation,
                },
                State
            )
            : second;
    }
}
