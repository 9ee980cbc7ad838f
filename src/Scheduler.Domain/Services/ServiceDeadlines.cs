using Scheduler.Domain.Instances;

namespace Scheduler.Domain.Services;

/// <summary>When a service must be woken.</summary>
public static class ServiceDeadlines
{
    /// <summary>How often a service is woken while a replica is about to change: for a message about it that was lost.</summary>
    public static readonly TimeSpan Busy = TimeSpan.FromSeconds(10);

    /// <summary>How often a service with replicas is woken otherwise.</summary>
    public static readonly TimeSpan Calm = TimeSpan.FromSeconds(60);

    /// <summary>The next wake-up; null for a service that waits for nothing.</summary>
    public static DateTimeOffset? NextWake(ServiceRecord record, DateTimeOffset now)
    {
        if (!record.IsLive)
        {
            return null;
        }

        var times = Times(record, now).Select(due => due > now ? due : now + TimeSpan.FromSeconds(1)).ToList();
        return times.Count > 0 ? times.Min() : null;
    }

    private static IEnumerable<DateTimeOffset> Times(ServiceRecord record, DateTimeOffset now)
    {
        if (record.IsDeleting || record.Replicas.Any(IsBusy))
        {
            yield return now + Busy;
        }
        else if (!record.Replicas.IsEmpty || record.Scaling.Wanted > 0)
        {
            yield return now + Calm;
        }

        foreach (var replica in record.Replicas)
        {
            if (replica.StartAt is { } start)
            {
                yield return start;
            }

            if (replica.Phase == ReplicaPhase.Draining)
            {
                yield return replica.Since + record.Spec.Update.DrainTimeout;
            }
        }

        if (record.RetryAt is { } retry)
        {
            yield return retry;
        }

        if (record.ShortSince is { } since && !record.Has(ServiceConditionType.Degraded))
        {
            yield return since + ServiceConditions.DegradedAfter;
        }

        if (ServiceSpending.NextLook(record, now) is { } look)
        {
            yield return look;
        }
    }

    private static bool IsBusy(Replica replica) =>
        replica.IsLeaving || replica.MustStart || replica.Seen?.State is not InstanceState.Running;
}
