using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;

namespace Scheduler.Grains.Instances;

/// <summary>Messages: results of the instance's own work, and reports about its allocation. What does not match the record is dropped.</summary>
internal sealed partial class InstanceGrain
{
    public async Task AllocationAnsweredAsync(AllocationKey key, AllocateOutcome outcome, TimeSpan took)
    {
        await EndProvisioningIfLateAsync();
        if (_recorded.State != InstanceState.Provisioning || _recorded.Intent?.Key != key)
        {
            ReleaseIfUnneeded(key, outcome);
        }
        else if (outcome.IsAllocated)
        {
            await AllocatedAsync(outcome.Allocation);
        }
        else
        {
            await RejectedAsync(outcome.Rejection, took);
        }
    }

    public async Task ObservedAsync(Allocation allocation)
    {
        await EndProvisioningIfLateAsync();
        if (!_recorded.State.MayHoldAllocation() || _recorded.Intent?.Key != allocation.Key)
        {
            LogStale(Self, allocation.Key);
            return;
        }

        if (_recorded.State == InstanceState.Provisioning)
        {
            // The provider's answer was lost or has not arrived yet: the observation proves the same.
            await AllocatedAsync(allocation);
        }

        if (_recorded.State == InstanceState.Starting && allocation.Status == AllocationStatus.Ready)
        {
            await ApplyAsync(InstanceDecisions.BecomeReady(_recorded, allocation, ProviderCause()));
            return;
        }

        await RuntimeEndedAsync(allocation);
    }

    public async Task<bool> HasRecordedAsync(int run)
    {
        if (_recorded.Run >= run)
        {
            return true;
        }

        if (_recorded.Exists && _recorded.State != InstanceState.Deleted)
        {
            // A silo that was declared dead may still be launching this run. After this write the store refuses its record.
            await ApplyAsync(InstanceDecisions.Change(_recorded, record => record, OwnCause()));
        }

        return false;
    }

    public async Task VanishedAsync(AllocationKey key)
    {
        if (_recorded.State is not (InstanceState.Starting or InstanceState.Running) || _recorded.Intent?.Key != key)
        {
            LogStale(Self, key);
            return;
        }

        await AllocationVanishedAsync();
    }

    public async Task CleanupConfirmedAsync(ImmutableArray<PendingCleanup> confirmed)
    {
        var decision = InstanceDecisions.ConfirmCleanup(_recorded, confirmed, OwnCause());
        if (decision.IsPermitted)
        {
            await ApplyAsync(decision);
        }
    }

    public async Task BalanceExhaustedAsync(int run, MicroEuro balance)
    {
        if (_recorded.State == InstanceState.Running && _recorded.Run == run)
        {
            await StopForBalanceAsync(balance);
        }
    }

    public Task<bool> OwnsAsync(AllocationKey key) =>
        Task.FromResult(
            MayUse(key)
                || _recorded.PendingCleanups.Any(cleanup => cleanup.Kind == CleanupKind.Release && cleanup.Key == key)
        );

    private bool MayUse(AllocationKey key) => _recorded.State.MayHoldAllocation() && _recorded.Intent?.Key == key;
}
