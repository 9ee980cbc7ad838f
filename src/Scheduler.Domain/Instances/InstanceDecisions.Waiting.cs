using System.Globalization;
using Scheduler.Domain.Failures;
using static Scheduler.Domain.Instances.InstanceTrigger;

namespace Scheduler.Domain.Instances;

/// <summary>The wait for capacity of a launch whose spec permits it.</summary>
public static partial class InstanceDecisions
{
    /// <summary>
    /// Whether a launch without capacity may wait for some. False when its spec permits no wait, or when its wait is over.
    /// </summary>
    /// <param name="isNew">Whether a command began the launch; the wait of an earlier launch does not count then.</param>
    public static bool MayWait(InstanceRecord record, bool isNew, DateTimeOffset now) =>
        record.Spec.WaitForCapacity > TimeSpan.Zero && (isNew || record.Wait is not { } wait || wait.Until > now);

    /// <summary>A start whose checks found no capacity: stopped or failed → checking → waiting, in one write.</summary>
    public static InstanceDecision StartWaiting(InstanceRecord record, Failure lack, in Cause cause)
    {
        return Open(record)
            .Transition(Start, "launch requested", cause)
            .Transition(NoCapacity, lack.Message, cause, lack.Code)
            .Build(cause, next => next with { Wait = null }, Waiting(cause), Failing(lack, cause));
    }

    /// <summary>A provider allocated no capacity: provisioning → waiting. The hold is freed with the settlement of the run.</summary>
    /// <param name="avoid">The route to rank last from now on.</param>
    public static InstanceDecision WaitAfter(InstanceRecord record, Failure lack, AvoidedRoute avoid, in Cause cause)
    {
        return Open(record)
            .Transition(NoCapacity, lack.Message, cause, lack.Code)
            .Build(
                cause,
                next => next with { PastFailures = PastFailures.With(record, lack) },
                EndRun(record, cause),
                Avoiding(avoid),
                Waiting(cause),
                Failing(lack, cause)
            );
    }

    /// <summary>The wait is over: waiting → failed, with the reason of the last refusal.</summary>
    public static InstanceDecision EndWait(InstanceRecord record, in Cause cause)
    {
        if (record is not { Failure.Failure: { } last, Wait: { } wait })
        {
            return InstanceDecision.Refuse(record.State, "It does not wait for capacity.");
        }

        var seconds = (long)(cause.Now - wait.Since).TotalSeconds;
        var failure = last with
        {
            Details = last.Details.SetItem("capacity_wait_seconds", seconds.ToString(CultureInfo.InvariantCulture)),
        };
        return Open(record)
            .Transition(WaitEnded, failure.Message, cause, failure.Code)
            .Build(cause, Failing(failure, cause));
    }

    private static Func<InstanceRecord, InstanceRecord> Waiting(Cause cause) =>
        next =>
            next with
            {
                Intent = null,
                Allocation = null,
                Wait = next.Wait ?? new CapacityWait(cause.Now, cause.Now + next.Spec.WaitForCapacity!.Value),
            };
}
