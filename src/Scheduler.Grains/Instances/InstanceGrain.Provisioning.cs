using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Grains.Providers;

namespace Scheduler.Grains.Instances;

/// <summary>Provisioning: the recorded intent is put to the provider until it answers or the deadline passes.</summary>
internal sealed partial class InstanceGrain
{
    /// <summary>First pause before an unclear provider is asked again; doubles up to <see cref="LongestPause"/>.</summary>
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(10);

    private async Task AllocateAsync(InstanceRecord record, CancellationToken cancellationToken)
    {
        var intent = record.Intent!;
        var asked = clock.GetTimestamp();
        if (providers.Find(intent.Offer.Provider) is not { } provider)
        {
            var gone = AllocateOutcome.Rejected(
                RejectionKind.InvalidRequest,
                $"Provider {intent.Offer.Provider} is not configured any more."
            );
            await Inbox.AllocationAnsweredAsync(intent.Key, gone, TimeSpan.Zero);
            return;
        }

        var request = new AllocationRequest(
            intent.Key,
            new AllocationTag(options.Value.ClusterId, record.Id),
            intent.Offer,
            RuntimeOf(record, intent)
        );
        for (var pause = FirstPause; ; pause = Longer(pause))
        {
            try
            {
                var outcome = await provider.AllocateAsync(request, cancellationToken);
                await Inbox.AllocationAnsweredAsync(intent.Key, outcome, clock.GetElapsedTime(asked));
                return;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                // Unknown whether it took effect: the same key asks for the same allocation.
                LogProviderUnclear(exception, record.Id, provider.Id, intent.Key);
            }

            await Task.Delay(pause, clock, cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async Task AllocationAnsweredAsync(AllocationKey key, AllocateOutcome outcome, TimeSpan took)
    {
        await EndWaitIfLateAsync();
        if (_recorded.State != InstanceState.Provisioning || _recorded.Intent?.Key != key)
        {
            ReleaseIfUnwanted(key, outcome);
            return;
        }

        var offer = _recorded.Intent.Offer;
        if (outcome.IsAllocated)
        {
            await AllocatedAsync(outcome.Allocation);
            return;
        }

        if (outcome.Rejection.Kind != RejectionKind.InvalidRequest)
        {
            // A request that is wrong in itself says nothing of the route: one tenant's mistake must not cool it for all.
            ReportOutcome(offer.Route, AllocationEnd.Rejected, took);
        }

        var avoid = new AvoidedRoute(offer.Route, clock.Now() + Launch.RouteCooldown);
        var next = await HintAsync(checks.NextBestAsync(_recorded, avoid, GrainFactory, clock.Now()));
        var failure = FailureCatalogue.Describe(new ProviderRejectedFacts(offer, outcome.Rejection, next));
        var cause = OwnCause($"provider:{offer.Provider}");
        await FailOrRerouteAsync(
            InstanceDecisions.Fail(_recorded, InstanceTrigger.ProviderRejected, failure, avoid, cause),
            cause
        );
    }

    /// <summary>Capacity is ours; where it serves already, both steps are one write.</summary>
    private async Task AllocatedAsync(Allocation allocation)
    {
        var route = _recorded.Intent!.Offer.Route;
        var cause = OwnCause($"provider:{route.Provider}");
        var took = cause.Now - _recorded.StateSince;
        var startDeadline = cause.Now + (_recorded.Spec.StartTimeout ?? Launch.StartTimeout);
        var decision = InstanceDecisions.Allocate(_recorded, allocation, startDeadline, cause);
        await ApplyAsync(
            allocation.Status == AllocationStatus.Ready
                ? decision.And(next => InstanceDecisions.BecomeReady(next, allocation, cause))
                : decision
        );
        // Here and not where the provider answers: its watch may bring the news first.
        ReportOutcome(route, AllocationEnd.Allocated, took);
    }

    /// <summary>
    /// News of capacity may come before the timer does (a silo that was down is told everything at once): what is late is late whoever
    /// speaks first.
    /// </summary>
    private Task EndWaitIfLateAsync() =>
        _recorded.State == InstanceState.Provisioning ? PassDeadlineAsync() : Task.CompletedTask;

    /// <summary>What only a hint is made of: a failure is recorded also when it cannot be had.</summary>
    private async Task<T?> HintAsync<T>(ValueTask<T?> asked)
        where T : class
    {
        try
        {
            return await asked;
        }
        catch (Exception exception)
        {
            LogWorkFailed(exception, Self, "hint");
            return null;
        }
    }

    /// <summary>The wait for capacity, or for a healthy runtime, may have ended: if so, say so.</summary>
    private async Task PassDeadlineAsync()
    {
        if (DeadlineOf(_recorded) is not { } due || due > clock.Now())
        {
            return;
        }

        var cause = OwnCause();
        var intent = _recorded.Intent!;
        if (_recorded.State == InstanceState.Starting)
        {
            // After an outage the deadline may be told before the news that the runtime has long been ready.
            if (await CheckOnceAsync(intent) is { } seen && !MayYetBeReady(seen))
            {
                await ObservedAsync(seen);
                return;
            }

            var late = FailureCatalogue.Describe(
                new RuntimeStartTimeoutFacts(
                    intent.Offer,
                    cause.Now - _recorded.StateSince,
                    intent.Model,
                    await LastOutputAsync(intent)
                )
            );
            await ApplyAsync(InstanceDecisions.Fail(_recorded, InstanceTrigger.DeadlinePassed, late, null, cause));
            return;
        }

        var waited = cause.Now - _recorded.StateSince;
        var avoid = new AvoidedRoute(intent.Offer.Route, cause.Now + Launch.RouteCooldown);
        ReportOutcome(intent.Offer.Route, AllocationEnd.TimedOut, waited);
        var next = await HintAsync(checks.NextBestAsync(_recorded, avoid, GrainFactory, cause.Now));
        var failure = FailureCatalogue.Describe(
            new ProviderTimeoutFacts(intent.Offer, waited, _recorded.Attempt, avoid.Until, next)
        );
        await FailOrRerouteAsync(
            InstanceDecisions.Fail(_recorded, InstanceTrigger.DeadlinePassed, failure, avoid, cause),
            cause
        );
    }

    /// <summary>An answer nobody waits for: capacity that came too late is given back at once; the sweep would find it later.</summary>
    private void ReleaseIfUnwanted(AllocationKey key, AllocateOutcome outcome)
    {
        LogStale(Self, key);
        var isWanted = _recorded.State.MayHoldAllocation() && _recorded.Intent?.Key == key;
        if (outcome.IsAllocated && !isWanted && providers.Find(ProviderOf(key)) is { } provider)
        {
            _ = ReleaseUnwantedAsync(provider, key);
        }
    }

    // Beside the turns: a provider that takes its time must not keep the next command waiting.
    private async Task ReleaseUnwantedAsync(IProvider provider, AllocationKey key)
    {
        try
        {
            await provider.ReleaseAsync(key, _work.Token);
        }
        catch (Exception exception)
        {
            LogProviderUnclear(exception, Self, provider.Id, key);
        }
    }

    private ProviderId ProviderOf(AllocationKey key) =>
        _recorded.Debts.FirstOrDefault(debt => debt.Key == key)?.Provider
        ?? _recorded.Intent?.Offer.Provider
        ?? new ProviderId("");

    private void ReportOutcome(Route route, AllocationEnd end, TimeSpan took) =>
        GrainFactory
            .Provider(route.Provider)
            .ReportOutcomeAsync(new AllocationReport(route, end, took, _recorded.RequestId))
            .Ignore();

    private static RuntimeSpec RuntimeOf(InstanceRecord record, AllocationIntent intent) =>
        new()
        {
            Preset = record.Spec.Runtime,
            Model = intent.Model,
            ServingName = record.ServingName,
            ContextTokens = record.Spec.ContextTokens,
            ParallelSequences = record.Spec.ParallelSequences,
            TensorParallel = intent.Offer.GpuCount,
            ExtraArguments = record.Spec.RuntimeArguments,
        };

    private static TimeSpan Longer(TimeSpan pause) => pause * 2 > LongestPause ? LongestPause : pause * 2;
}
