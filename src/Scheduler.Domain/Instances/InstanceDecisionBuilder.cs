using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Instances;

/// <summary>Builds the record of one write: first its transitions in order, then the other changes.</summary>
internal sealed class InstanceDecisionBuilder(InstanceRecord before)
{
    private readonly ImmutableArray<StoredEvent>.Builder _events = ImmutableArray.CreateBuilder<StoredEvent>();
    private InstanceState _state = before.State;
    private InstanceDecision? _refusal;

    /// <summary>Adds one transition. If the state forbids it, the decision becomes a refusal.</summary>
    public InstanceDecisionBuilder Transition(
        InstanceTrigger trigger,
        string reason,
        in Cause cause,
        FailureCode code = FailureCode.None,
        ImmutableSortedDictionary<string, string>? data = null
    )
    {
        if (_refusal is not null)
        {
            return this;
        }

        if (!InstanceLifecycle.TryNext(_state, trigger, out var next))
        {
            _refusal = InstanceDecision.Refuse(
                before.State,
                $"{trigger} is not possible while the instance is {before.State.WireName()}."
            );
            return this;
        }

        _events.Add(
            new StoredEvent
            {
                Sequence = before.LastSequence + _events.Count + 1,
                At = cause.Now,
                Trigger = trigger.ToString(),
                From = _state.ToString(),
                To = next.ToString(),
                Reason = reason,
                RequestId = cause.RequestId,
                Actor = cause.Actor,
                Code = code,
                Data = data ?? ImmutableSortedDictionary<string, string>.Empty,
            }
        );
        _state = next;
        return this;
    }

    public InstanceDecision Build(in Cause cause, params ReadOnlySpan<Func<InstanceRecord, InstanceRecord>> changes)
    {
        if (_refusal is not null)
        {
            return _refusal;
        }

        var next = before with
        {
            State = _state,
            StateSince = _events.Count > 0 ? cause.Now : before.StateSince,
            Generation = before.Generation + 1,
            RequestId = _events.Count > 0 ? cause.RequestId : before.RequestId,
            UpdatedAt = cause.Now,
            Events = _events.ToImmutable(),
            LastSequence = before.LastSequence + _events.Count,
        };
        foreach (var change in changes)
        {
            next = change(next);
        }

        var wakeAt = next.NextWake(cause.Now, next.RunningSince + InstanceDeadlines.MeterBackstop);
        return InstanceDecision.Write(next.Versioned() with { WakeAt = wakeAt }, before.State);
    }
}
