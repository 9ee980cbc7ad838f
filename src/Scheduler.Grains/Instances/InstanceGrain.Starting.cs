using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;

namespace Scheduler.Grains.Instances;

/// <summary>Starting: the runtime boots; the provider is asked for its health until it serves, ends, or the deadline passes.</summary>
internal sealed partial class InstanceGrain
{
    /// <summary>
    /// Probes in a row that find nothing before the allocation counts as vanished: a provider's list may lag behind its own answer.
    /// </summary>
    private const int ProbesUntilVanished = 5;

    /// <summary>How long the last look before a start deadline's failure may hold the turn.</summary>
    private static readonly TimeSpan CheckLimit = TimeSpan.FromSeconds(2);

    private async Task ProbeAsync(InstanceRecord record, CancellationToken cancellationToken)
    {
        var intent = record.Intent!;
        var provider = providers.Find(intent.Offer.Provider);
        for (var missing = 0; missing < ProbesUntilVanished; )
        {
            try
            {
                var seen = provider is null ? null : await provider.FindAsync(intent.Key, cancellationToken);
                missing = seen is null ? missing + 1 : 0;
                if (seen is not null && !MayYetBeReady(seen))
                {
                    await Inbox.ObservedAsync(seen);
                    return;
                }
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                LogProviderUnclear(exception, record.Id, intent.Offer.Provider, intent.Key);
            }

            await Task.Delay(Launch.ProbeEvery, clock, cancellationToken);
        }

        await Inbox.VanishedAsync(intent.Key);
    }

    /// <summary>
    /// Nothing is decided yet: it boots, or answers badly before it was ever seen to answer well. Either becomes ready or is ended by the
    /// deadline; a runtime that never served cannot have stopped serving.
    /// </summary>
    private static bool MayYetBeReady(Allocation seen) =>
        seen.Status is AllocationStatus.Booting or AllocationStatus.Unhealthy;

    /// <summary>What the provider says of an allocation now, if it says so soon.</summary>
    private async Task<Allocation?> CheckOnceAsync(AllocationIntent intent)
    {
        try
        {
            return providers.Find(intent.Offer.Provider) is { } provider
                ? await provider.FindAsync(intent.Key, _work.Token).WaitAsync(CheckLimit, clock, _work.Token)
                : null;
        }
        catch (Exception exception) when (!_work.IsCancellationRequested)
        {
            LogProviderUnclear(exception, Self, intent.Offer.Provider, intent.Key);
            return null;
        }
    }

    /// <inheritdoc/>
    public async Task ObservedAsync(Allocation allocation)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        await EndWaitIfLateAsync();
        if (!_recorded.State.MayHoldAllocation() || _recorded.Intent?.Key != allocation.Key)
        {
            LogStale(Self, allocation.Key);
            return;
        }

        if (_recorded.State == InstanceState.Provisioning)
        {
            // The provider's answer was lost, or is on its way: what is seen is as good.
            await AllocatedAsync(allocation);
        }

        if (_recorded.State == InstanceState.Starting && allocation.Status == AllocationStatus.Ready)
        {
            var cause = OwnCause($"provider:{_recorded.Intent.Offer.Provider}");
            await ApplyAsync(InstanceDecisions.BecomeReady(_recorded, allocation, cause));
            return;
        }

        await RuntimeEndedAsync(allocation);
    }
}
