using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;

namespace Scheduler.Domain.Instances;

/// <summary>The result of a trigger: the record to write, or a refusal with the permitted triggers.</summary>
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

    /// <summary>Null when refused.</summary>
    public InstanceRecord? Next { get; }

    /// <summary>The state before the decision.</summary>
    public InstanceState State { get; }

    /// <summary>The triggers that <see cref="State"/> permits; set when refused.</summary>
    public ImmutableArray<InstanceTrigger> Allowed { get; }

    /// <summary>Null when permitted.</summary>
    public string? Why { get; }

    [MemberNotNullWhen(true, nameof(Next))]
    [MemberNotNullWhen(false, nameof(Why))]
    public bool IsPermitted => Next is not null;

    public static InstanceDecision Write(InstanceRecord next, InstanceState from) => new(next, from, [], null);

    public static InstanceDecision Refuse(InstanceState state, string why) =>
        new(null, state, InstanceLifecycle.AllowedIn(state), why);

    /// <summary>
    /// Two decisions in one write. The second is taken on the record that the first would write, and both keep their
    /// events. A refusal of either is the result.
    /// </summary>
    public InstanceDecision And(Func<InstanceRecord, InstanceDecision> then)
    {
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
