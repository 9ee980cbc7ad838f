using System.Collections.Immutable;
using System.Diagnostics;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Instances;

/// <summary>Builds one write: takes transitions one after another, then applies their changes.</summary>
internal sealed class InstanceDraft(InstanceRecord before)
{
    private readonly ImmutableArray<StoredEvent>.Builder _events = ImmutableArray.CreateBuilder<StoredEvent>();
    private InstanceState _state = before.State;
    private InstanceDecision? _refusal;

    /// <summary>Takes one transition; if the state forbids it, the result becomes a refusal.</summary>
    public InstanceDraft Then(
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

    public InstanceDecision Finish(in Cause cause, params ReadOnlySpan<Func<InstanceRecord, InstanceRecord>> changes)
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

        return InstanceDecision.Write(next with { WakeAt = WakeAt(next, cause.Now) }, before.State);
    }

    /// <summary>The deadline of the state, or the backstop for pending work if it is earlier.</summary>
    private static DateTimeOffset? WakeAt(InstanceRecord next, DateTimeOffset now)
    {
        DateTimeOffset? deadline = next.State switch
        {
            InstanceState.Provisioning => next.Intent!.AllocationDeadline,
            InstanceState.Starting => next.Intent!.StartDeadline,
            InstanceState.Running => next.RunningSince + InstanceDecisions.MeterBackstop,
            InstanceState.Stopped
            or InstanceState.Checking
            or InstanceState.Stopping
            or InstanceState.Failed
            or InstanceState.Deleted => null,
            _ => throw new UnreachableException(),
        };
        if (next.Debts.IsEmpty && deadline is null)
        {
            return null;
        }

        var backstop = now + InstanceDecisions.WorkBackstop;
        return deadline is { } due && due < backstop ? due : backstop;
    }
}
