using System.Diagnostics;

namespace Scheduler.Domain.Instances;

/// <summary>The moments at which an instance changes, or must be checked, although no message arrives.</summary>
public static class InstanceDeadlines
{
    /// <summary>How long after the start of <c>running</c> the agenda checks whether the meter was started.</summary>
    public static readonly TimeSpan MeterBackstop = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How often the agenda wakes an instance that waits for a provider or has pending cleanup. If the activation is
    /// lost with its silo, no other process would continue before the deadline. A launch must not time out because of
    /// that (INV-03).
    /// </summary>
    public static readonly TimeSpan WorkBackstop = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The end of the wait for a provider (in <c>provisioning</c>), for a healthy runtime (in <c>starting</c>) or for capacity to appear (in
    /// <c>waiting</c>); null in every other state.
    /// </summary>
    public static DateTimeOffset? Deadline(this InstanceRecord record) =>
        record.State switch
        {
            InstanceState.Provisioning => record.Intent?.AllocationDeadline,
            InstanceState.Starting => record.Intent?.StartDeadline,
            InstanceState.Waiting => record.Wait?.Until,
            InstanceState.Stopped
            or InstanceState.Checking
            or InstanceState.Running
            or InstanceState.Stopping
            or InstanceState.Failed
            or InstanceState.Deleted => null,
            _ => throw new UnreachableException(),
        };

    /// <summary>When the agenda must wake the instance; null when it neither waits nor has pending cleanup.</summary>
    /// <param name="meterCheck">When to check the meter of a running instance; null once its account has confirmed it.</param>
    public static DateTimeOffset? NextWake(this InstanceRecord record, DateTimeOffset now, DateTimeOffset? meterCheck)
    {
        var due = record.State == InstanceState.Running ? meterCheck : record.Deadline();
        if (due is null && record.PendingCleanups.IsEmpty)
        {
            return null;
        }

        if (record.State == InstanceState.Waiting && record.PendingCleanups.IsEmpty)
        {
            // Offers that appear wake it, from any process; nothing has to be repeated until its wait ends.
            return due;
        }

        var backstop = now + WorkBackstop;
        return due < backstop ? due : backstop;
    }
}
