using System.Collections.Immutable;
using Scheduler.Domain.Placement;
using Scheduler.Grains.Instances;

namespace Scheduler.Grains.Providers;

/// <summary>
/// Offers that launches can use again, and the instances that wait for them. After a restart every offer counts as new, so a gain that a
/// crash hid is not lost.
/// </summary>
internal sealed partial class ProviderGrain
{
    private readonly CapacityGains _gains = new();
    private Task? _runningWaking;

    /// <summary>Compares what is published now with what was before.</summary>
    private void NoteGains(
        ImmutableArray<Offer> before,
        ImmutableArray<Offer>? listed,
        ProviderStatus? was,
        ProviderStatus now
    )
    {
        if (listed is { } offers)
        {
            _gains.KeepOnly(offers);
            _gains.Add(OfferGains.Between(before, offers), clock.Now());
        }

        if (was is null)
        {
            return;
        }

        var current = listed ?? before;
        var isBack = (was.Draining || was.BreakerOpen) && !now.Draining && !now.BreakerOpen;
        var warm = was.Cooling.Except(now.Cooling).ToHashSet();
        _gains.Add(
            [.. current.Where(offer => offer.Available > 0 && (isBack || warm.Contains(offer.Route)))],
            clock.Now()
        );
    }

    private void WakeWaitingIfDue()
    {
        if (
            !_gains.IsEmpty
            && _snapshot is { Status.Draining: false }
            && _runningWaking is null or { IsCompleted: true }
        )
        {
            _runningWaking = WakeWaitingAsync(_snapshot!.Version);
        }
    }

    private async Task WakeWaitingAsync(SnapshotVersion published)
    {
        try
        {
            await waiters.StepAsync(Self, published, _gains, GrainFactory, _work.Token);
        }
        catch (Exception exception) when (!_work.IsCancellationRequested)
        {
            LogWakingFailed(exception, Self);
        }
    }
}
