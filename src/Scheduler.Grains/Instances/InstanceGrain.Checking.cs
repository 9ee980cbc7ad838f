using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Grains.Instances;

/// <summary>From Start to the recorded intent: placement, then money, then the record; and the same again when a route failed.</summary>
internal sealed partial class InstanceGrain
{
    /// <summary>How much longer than its launch a hold lives: the record that settles it may be a retry away.</summary>
    private static readonly TimeSpan HoldMargin = TimeSpan.FromMinutes(1);

    private const string StartCommand = "Start";

    /// <inheritdoc/>
    public async Task<Answer<InstanceRecord>> StartAsync(CommandContext context)
    {
        if (Seen(context.Account) is { IsOk: false } unseen)
        {
            return unseen;
        }

        if (_recorded.WasHandled(StartCommand, context.ClientRequestId))
        {
            return _recorded is { State: InstanceState.Failed, Failure: { } failed }
                ? Refusal.Failed(failed.Failure)
                : _recorded;
        }

        if (!InstanceLifecycle.TryNext(_recorded.State, InstanceTrigger.Start, out _))
        {
            return WrongState($"Start is not possible while the instance is {StateName}.");
        }

        var (intent, failure) = await CheckAsync(_recorded, _recorded.Run + 1, 1, context.RequestId);
        var cause = CauseOf(context);
        var decision = intent is not null
            ? InstanceDecisions.Begin(_recorded, intent, _recorded.Run + 1, 1, cause)
            : InstanceDecisions.Refuse(_recorded, failure!, cause);
        var answer = await ApplyAsync(
            decision.And(next =>
                InstanceDecisions.Change(next, n => n.Remember(StartCommand, context.ClientRequestId), cause)
            )
        );
        return failure is null || !answer.IsOk ? answer : Refusal.Failed(failure);
    }

    private string StateName => _recorded.State.WireName();

    /// <summary>The checks, timed.</summary>
    private async Task<(AllocationIntent? Intent, Failure? Failure)> CheckAsync(
        InstanceRecord record,
        int run,
        int attempt,
        RequestId requestId
    )
    {
        using var span = SchedulerTracing.Check();
        var began = clock.GetTimestamp();
        var found = await PlaceAndHoldAsync(record, run, attempt, requestId);
        metrics.Checked(clock.GetElapsedTime(began), found.Intent is not null);
        return found;
    }

    /// <summary>
    /// The checks, for one attempt. Placement is free of side effects and goes first; the hold, which is an act in another grain, goes
    /// last, keyed by instance and run so that a crash before the record costs nothing: it lapses, or the next try replaces it.
    /// When several checks would fail, the spec's order (billing, compatibility, placement) decides which is told.
    /// </summary>
    private async Task<(AllocationIntent? Intent, Failure? Failure)> PlaceAndHoldAsync(
        InstanceRecord record,
        int run,
        int attempt,
        RequestId requestId
    )
    {
        var now = clock.Now();
        var placed = await checks.PlaceAsync(record, GrainFactory, now);
        if (placed.Offer is not { } offer)
        {
            var poor = await checks.CheckThresholdAsync(record.Account, GrainFactory);
            return (null, poor ?? placed.Failure);
        }

        var allocationDeadline = now + (record.Spec.AllocationTimeout ?? Launch.AllocationTimeout);
        var hold = options.Value.Billing.Threshold.HoldFor(offer.PricePerHour);
        var held = await GrainFactory
            .Account(record.Account)
            .TakeHoldAsync(
                new TakeHold(
                    Self,
                    run,
                    hold,
                    allocationDeadline + (record.Spec.StartTimeout ?? Launch.StartTimeout) + HoldMargin,
                    requestId,
                    EarlierRun(record, run)
                )
            );
        if (!held.Taken)
        {
            return (null, checks.BelowMinimum(record, held, hold, offer, placed));
        }

        var intent = new AllocationIntent
        {
            Key = new AllocationKey($"{Self}-r{run}-a{attempt}"),
            Offer = offer,
            PriceSnapshot = offer.PricePerHour,
            Hold = hold,
            AllocationDeadline = allocationDeadline,
            Why = placed.Why,
            Model = placed.ModelSource,
        };
        return (intent, null);
    }

    /// <summary>The latest run before, if it is not settled yet: the account closes it in the same act that takes the new hold.</summary>
    private static CloseRun? EarlierRun(InstanceRecord record, int run) =>
        record.Debts.Where(debt => debt.Kind == DebtKind.Settle && debt.Run < run).MaxBy(debt => debt.Run) is { } debt
            ? CloseOf(record, debt)
            : null;

    /// <summary>
    /// Records a failure on the way, or, with <c>auto_reroute</c>, the failure and the next attempt on another route, in one write.
    /// </summary>
    private async Task FailOrRerouteAsync(InstanceDecision failed, Cause cause)
    {
        if (!failed.IsPermitted || !MayReroute(failed.Next))
        {
            await ApplyAsync(failed);
            return;
        }

        var after = failed.Next;
        var sameRun = after.RunningSince is null;
        var run = sameRun ? after.Run : after.Run + 1;
        var attempt = sameRun ? after.Attempt + 1 : 1;
        var (intent, _) = await CheckAsync(after, run, attempt, cause.RequestId);
        await ApplyAsync(
            intent is null
                ? failed
                : failed.And(next =>
                    InstanceDecisions
                        .Begin(next, intent, run, attempt, cause with { Actor = "scheduler" })
                        .And(again =>
                            InstanceDecisions.Change(again, n => n with { Reroutes = after.Reroutes + 1 }, cause)
                        )
                )
        );
    }

    private bool MayReroute(InstanceRecord failed) =>
        failed.Spec.AutoReroute
        && failed.Reroutes < Launch.MaxReroutes
        && failed.Failure?.Failure.Code
            is FailureCode.ProviderTimeout
                or FailureCode.ProviderRejected
                or FailureCode.Preempted;
}
