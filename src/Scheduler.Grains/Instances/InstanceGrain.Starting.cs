using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;

namespace Scheduler.Grains.Instances;

/// <summary>Starting: the runtime boots and is probed until it is ready, has ended, or the deadline passes.</summary>
internal sealed partial class InstanceGrain
{
    /// <summary>
    /// Consecutive probes that find no allocation before it counts as vanished: a provider's list may lag behind its own answer.
    /// </summary>
    private const int ProbesUntilVanished = 5;

    /// <summary>Work: probes the runtime until its outcome has reached the inbox.</summary>
    private async Task ProbeAsync(InstanceRecord record, CancellationToken cancellationToken)
    {
        var intent = record.Intent!;
        for (var missing = 0; missing < ProbesUntilVanished; )
        {
            try
            {
                var seen = await provider.FindAsync(record, cancellationToken);
                missing = seen is null ? missing + 1 : 0;
                if (seen is not null && !IsStillStarting(seen))
                {
                    await Inbox.ObservedAsync(seen);
                    return;
                }
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                provider.LogUnclear(exception, record.Id, intent.Offer.Provider, intent.Key);
            }

            await Task.Delay(Launch.ProbeEvery, clock, cancellationToken);
        }

        await Inbox.VanishedAsync(intent.Key);
    }

    /// <summary>Ends the wait for a healthy runtime if its deadline has passed.</summary>
    private async Task EndStartingIfLateAsync()
    {
        if (_recorded.State != InstanceState.Starting || !IsLate)
        {
            return;
        }

        // After an outage the deadline may be handled before the report that the runtime was ready in time.
        var cause = OwnCause();
        if (await provider.TryFindAsync(_recorded, _work.Cancellation) is { } seen && !IsStillStarting(seen))
        {
            await ObservedAsync(seen);
            return;
        }

        var intent = _recorded.Intent!;
        var waited = cause.Now - _recorded.StateSince;
        var output = await provider.TryReadOutputAsync(_recorded, _work.Cancellation);
        var avoid = Avoid(intent.Offer.Route);
        var failure = FailureCatalogue.Describe(
            new RuntimeStartTimeoutFacts(intent.Offer, waited, intent.Model, output)
            {
                Next = await TryHintAsync(checks.NextRouteAsync(_recorded, avoid, GrainFactory, cause.Now)),
            }
        );
        await ApplyAsync(InstanceDecisions.Fail(_recorded, InstanceTrigger.DeadlinePassed, failure, avoid, cause));
    }

    /// <summary>
    /// Whether the runtime is neither ready nor ended. An unhealthy runtime in this phase was never healthy: it becomes ready, or the
    /// deadline ends it.
    /// </summary>
    private static bool IsStillStarting(Allocation seen) =>
        seen.Status is AllocationStatus.Booting or AllocationStatus.Unhealthy;
}
