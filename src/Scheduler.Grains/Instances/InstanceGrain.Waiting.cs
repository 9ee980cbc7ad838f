using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains.Providers;

namespace Scheduler.Grains.Instances;

/// <summary>
/// Waiting: no offer was available, or the provider refused. Neither capacity nor money is held. Offers that appear wake the instance
/// (<see cref="CapacityWaiters"/>); its deadline ends the wait.
/// </summary>
internal sealed partial class InstanceGrain
{
    public async Task<CapacityAnswer> CapacityAppearedAsync(ProviderId provider, SnapshotVersion published)
    {
        await EndWaitingIfLateAsync();
        if (_recorded.State != InstanceState.Waiting)
        {
            return CapacityAnswer.NotUsed;
        }

        if (published.IsNewerThan(catalogue.VersionOf(provider)))
        {
            // This silo does not know the offers yet, so its checks would use the earlier ones.
            return CapacityAnswer.NotKnownYet;
        }

        var cause = OwnCause();
        var found = await AttemptAsync(_recorded, cause);
        if (found.Intent is { } intent)
        {
            await ApplyAsync(InstanceDecisions.Begin(_recorded, intent, _recorded.Run + 1, 1, cause));
            return CapacityAnswer.Used(intent.Offer);
        }

        if (found.Failure is { } failure && !IsLackOfCapacity(failure))
        {
            await ApplyAsync(InstanceDecisions.Refuse(_recorded, failure, cause));
        }

        return CapacityAnswer.NotUsed;
    }

    /// <summary>
    /// Records that a provider allocated no capacity. A launch that may wait first tries the next route, if there is one that did not fail
    /// recently; else it waits. Both are one write. A launch that may not wait fails or is re-routed.
    /// </summary>
    private async Task WaitOrFailAsync(InstanceTrigger trigger, Failure lack, AvoidedRoute avoid, Cause cause)
    {
        if (!InstanceDecisions.MayWait(_recorded, isNew: false, cause.Now))
        {
            await FailOrRerouteAsync(trigger, lack, avoid, cause);
            return;
        }

        var waiting = InstanceDecisions.WaitAfter(_recorded, lack, avoid, cause);
        if (!waiting.IsPermitted)
        {
            await ApplyAsync(waiting);
            return;
        }

        var after = waiting.Next;
        var found = await AttemptAsync(after, cause);
        await ApplyAsync(
            found.Intent is { } intent
                ? waiting.And(next => InstanceDecisions.Begin(next, intent, after.Run + 1, 1, OwnCause()))
                : waiting
        );
    }

    private Task<CheckResult> AttemptAsync(InstanceRecord waiting, Cause cause) =>
        CheckAsync(waiting, waiting.Run + 1, 1, cause.RequestId, isPatient: true);

    private async Task EndWaitingIfLateAsync()
    {
        if (_recorded.State == InstanceState.Waiting && IsLate)
        {
            await ApplyAsync(InstanceDecisions.EndWait(_recorded, OwnCause()));
        }
    }

    /// <summary>
    /// Whether the launch continues to wait. GPU_INCOMPATIBLE counts too: at that moment no provider may list the GPUs that the model needs.
    /// </summary>
    private static bool IsLackOfCapacity(Failure failure) =>
        failure.Code is FailureCode.SmartNoMatch or FailureCode.GpuIncompatible;
}
