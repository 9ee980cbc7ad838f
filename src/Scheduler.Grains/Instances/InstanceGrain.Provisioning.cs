using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Runtimes.Exits;
using Scheduler.Grains.Providers;

namespace Scheduler.Grains.Instances;

/// <summary>Provisioning: capacity is requested under the recorded key until the provider answers or the deadline passes.</summary>
internal sealed partial class InstanceGrain
{
    /// <summary>The kubelet's word for a pull that failed, which the rules of ends know.</summary>
    private const string PullFailed = "ErrImagePull";

    private static readonly TimeSpan FirstAllocatePause = TimeSpan.FromMilliseconds(200);

    /// <summary>Work: requests the capacity until the answer has reached the inbox.</summary>
    private async Task AllocateAsync(InstanceRecord record, CancellationToken cancellationToken)
    {
        var intent = record.Intent!;
        var began = clock.GetTimestamp();
        for (var pause = FirstAllocatePause; ; pause = RetryPause.Next(pause))
        {
            try
            {
                var outcome = await provider.AllocateAsync(record, cancellationToken);
                await Inbox.AllocationAnsweredAsync(intent.Key, outcome, clock.GetElapsedTime(began));
                return;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                provider.LogUnclear(exception, record.Id, intent.Offer.Provider, intent.Key);
            }

            await Task.Delay(pause, clock, cancellationToken);
        }
    }

    /// <summary>The capacity is allocated. If its runtime is ready already, both transitions are one write.</summary>
    private async Task AllocatedAsync(Allocation allocation)
    {
        var route = _recorded.Intent!.Offer.Route;
        var cause = ProviderCause();
        var took = cause.Now - _recorded.StateSince;
        var startDeadline = cause.Now + (_recorded.Spec.StartTimeout ?? Launch.StartTimeout);
        var decision = InstanceDecisions.Allocate(_recorded, allocation, startDeadline, cause);
        await ApplyAsync(
            allocation.Status == AllocationStatus.Ready
                ? decision.And(next => InstanceDecisions.BecomeReady(next, allocation, cause))
                : decision
        );
        // Reported here and not where the provider answers: its watch may report the allocation first.
        ReportToProvider(route, AllocationEnd.Allocated, took);
    }

    private async Task RejectedAsync(Rejection rejection, TimeSpan took)
    {
        var offer = _recorded.Intent!.Offer;
        if (rejection.Kind == RejectionKind.Image)
        {
            await NotPulledAsync(rejection);
            return;
        }

        if (rejection.Kind != RejectionKind.InvalidRequest)
        {
            // An invalid request says nothing about the route: the mistake of one account must not cool it down for all.
            ReportToProvider(offer.Route, AllocationEnd.Rejected, took);
        }

        // A quota and credentials hold for the whole provider.
        var avoid = rejection.Kind is RejectionKind.Quota or RejectionKind.Credentials
            ? AvoidedRoute.OfProvider(offer.Provider, clock.Now() + Launch.RouteCooldown)
            : Avoid(offer.Route);
        var next = await TryHintAsync(checks.NextRouteAsync(_recorded, avoid, GrainFactory, clock.Now()));
        var failure = FailureCatalogue.Describe(new ProviderRejectedFacts(offer, rejection, next));
        await (
            rejection.Kind == RejectionKind.OutOfStock
                ? WaitOrFailAsync(InstanceTrigger.ProviderRejected, failure, avoid, ProviderCause())
                : FailOrRerouteAsync(InstanceTrigger.ProviderRejected, failure, avoid, ProviderCause())
        );
    }

    /// <summary>
    /// Nothing was allocated, because the image is missing. The cause is read from the provider's words as from those of a pull on a host
    /// that is rented already.
    /// </summary>
    private async Task NotPulledAsync(Rejection rejection)
    {
        var exit = new RuntimeExit
        {
            OutputTail = $"Error response from daemon: {rejection.ProviderWords}",
            ProviderReason = PullFailed,
        };
        var finding = ExitDiagnosis.Find(exit, wasServing: false);
        var avoid = finding.Cause is ExitCause.ImageDisk or ExitCause.ImageNetwork
            ? Avoid(_recorded.Intent!.Offer.Route)
            : null;
        var facts = EndFacts(
            FailureCode.ImagePullFailed,
            exit,
            "The runtime's image could not be pulled",
            null,
            finding
        );
        await FailOrRerouteAsync(
            InstanceTrigger.ProviderRejected,
            FailureCatalogue.Describe(facts),
            avoid,
            ProviderCause()
        );
    }

    /// <summary>
    /// Ends the wait for capacity if its deadline has passed. Messages check it first: after an outage they may arrive before the timer,
    /// and an answer after the deadline must not count.
    /// </summary>
    private async Task EndProvisioningIfLateAsync()
    {
        if (_recorded.State != InstanceState.Provisioning || !IsLate)
        {
            return;
        }

        var cause = OwnCause();
        var offer = _recorded.Intent!.Offer;
        var waited = cause.Now - _recorded.StateSince;
        var avoid = Avoid(offer.Route);
        ReportToProvider(offer.Route, AllocationEnd.TimedOut, waited);
        var next = await TryHintAsync(checks.NextRouteAsync(_recorded, avoid, GrainFactory, cause.Now));
        var failure = FailureCatalogue.Describe(
            new ProviderTimeoutFacts(offer, waited, _recorded.Attempt, avoid.Until, next)
        );
        await WaitOrFailAsync(InstanceTrigger.DeadlinePassed, failure, avoid, cause);
    }

    /// <summary>
    /// Releases capacity that was allocated too late, at once; the sweep would find it later. Runs in the background: the next command
    /// must not wait for a slow provider.
    /// </summary>
    private void ReleaseIfUnneeded(AllocationKey key, AllocateOutcome outcome)
    {
        LogStale(Self, key);
        if (outcome.IsAllocated && !MayUse(key) && ProviderOf(key) is { } owner)
        {
            _ = provider.TryReleaseAsync(Self, owner, key, _work.Cancellation);
        }
    }

    private ProviderId? ProviderOf(AllocationKey key) =>
        _recorded.PendingCleanups.FirstOrDefault(cleanup => cleanup.Key == key)?.Provider
        ?? _recorded.Intent?.Offer.Provider;

    private AvoidedRoute Avoid(Route route) => new(route, clock.Now() + Launch.RouteCooldown);

    /// <summary>Reports to the grain of the provider, without waiting. A process that stops reports nothing.</summary>
    private void ReportToProvider(Route route, AllocationEnd end, TimeSpan took)
    {
        if (!stop.Stopping.IsCancellationRequested)
        {
            GrainFactory
                .Provider(route.Provider)
                .ReportOutcomeAsync(new AllocationReport(route, end, took, _recorded.RequestId))
                .Ignore();
        }
    }
}
