using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;

namespace Scheduler.Domain.Services;

/// <summary>Builds the next record of a service, with its events, for one write.</summary>
/// <param name="before">The recorded state.</param>
public sealed class ServiceEditor(ServiceRecord before, Cause cause)
{
    private readonly ServiceRecord _before = before;
    private readonly ImmutableArray<StoredEvent>.Builder _events = ImmutableArray.CreateBuilder<StoredEvent>();

    /// <summary>The record so far.</summary>
    public ServiceRecord Next { get; private set; } = before;

    public Cause Cause => cause;

    public DateTimeOffset Now => cause.Now;

    public bool HasChanged => !ReferenceEquals(Next, _before);

    /// <summary>Replaces parts of the record; call it only with a change.</summary>
    public void Change(Func<ServiceRecord, ServiceRecord> change) => Next = change(Next);

    public void Change(Replica replica) =>
        Next = Next with
        {
            Replicas = [.. Next.Replicas.Select(known => known.Number == replica.Number ? replica : known)],
        };

    public void Change(ServiceRevision revision) =>
        Next = Next with
        {
            Revisions = [.. Next.Revisions.Select(known => known.Number == revision.Number ? revision : known)],
        };

    public void Remove(Replica replica) =>
        Next = Next with { Replicas = Next.Replicas.RemoveAll(known => known.Number == replica.Number) };

    /// <summary>Adds an event to the timeline.</summary>
    public void Note(string trigger, string reason, FailureCode code = FailureCode.None) =>
        _events.Add(
            new StoredEvent
            {
                Sequence = Next.LastSequence + _events.Count + 1,
                At = cause.Now,
                Trigger = trigger,
                Reason = reason,
                RequestId = cause.RequestId,
                Actor = cause.Actor,
                Code = code,
            }
        );

    /// <summary>The record to write.</summary>
    public ServiceRecord Done()
    {
        var next = Next with
        {
            Version = _before.Version + 1,
            UpdatedAt = cause.Now,
            Events = _events.ToImmutable(),
            LastSequence = _before.LastSequence + _events.Count,
        };
        return next with { WakeAt = ServiceDeadlines.NextWake(next, cause.Now) };
    }
}
