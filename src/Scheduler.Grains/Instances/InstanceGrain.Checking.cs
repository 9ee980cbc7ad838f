using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Secrets;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Grains.Instances;

/// <summary>Checking: placement, then the hold. It begins and ends within one turn, so it has no deadline.</summary>
internal sealed partial class InstanceGrain
{
    /// <summary>How long a hold outlasts its launch: the record that starts the meter or settles the run may need a retry.</summary>
    private static readonly TimeSpan HoldMargin = TimeSpan.FromMinutes(1);

    /// <summary>Runs the checks of one attempt.</summary>
    /// <param name="isPatient">Whether offers whose route failed recently are not used, because the launch can wait for another one.</param>
    private async Task<CheckResult> CheckAsync(
        InstanceRecord record,
        int run,
        int attempt,
        RequestId requestId,
        bool isPatient = false
    )
    {
        using var span = SchedulerTracing.Check();
        var began = clock.GetTimestamp();
        var found = await PlaceAndHoldAsync(record, run, attempt, requestId, isPatient);
        metrics.Checked(clock.GetElapsedTime(began), found.Intent is not null);
        return found;
    }

    /// <remarks>
    /// Placement has no side effects and goes first. The hold changes another grain and goes last. It is keyed by instance and run, so that
    /// a crash before the record costs nothing: the hold lapses, or the next attempt replaces it. When several checks would fail, the
    /// first one in this order is reported: billing, compatibility, placement.
    /// </remarks>
    private async Task<CheckResult> PlaceAndHoldAsync(
        InstanceRecord record,
        int run,
        int attempt,
        RequestId requestId,
        bool isPatient
    )
    {
        var now = clock.Now();
        var placed = await checks.PlaceAsync(record, GrainFactory, now);
        if (placed.Offer is not { } offer)
        {
            var lack = await checks.WithMoneyAsync(record.Account, placed.Failure!, GrainFactory);
            return new CheckResult(null, lack, placed.IsCuredByTime && lack.Code == placed.Failure!.Code);
        }

        if (isPatient && placed.IsOnFailedRoute)
        {
            return new CheckResult(null, null, IsCuredByTime: true);
        }

        var allocationDeadline = now + (record.Spec.AllocationTimeout ?? Launch.AllocationTimeout);
        var launchEnd = allocationDeadline + (record.Spec.StartTimeout ?? Launch.StartTimeout);
        var hold = options.Value.Billing.Threshold.HoldFor(offer.PricePerHour);
        var command = new TakeHold(
            Self,
            run,
            hold,
            launchEnd + HoldMargin,
            requestId,
            ProvisionalCloseBefore(record, run)
        );
        var held = await GrainFactory.Account(record.Account).TakeHoldAsync(command);
        if (!held.Taken)
        {
            return new CheckResult(null, checks.BelowMinimum(record, held, hold, offer, placed), IsCuredByTime: false);
        }

        var key = new AllocationKey($"{Self}-r{run}-a{attempt}");
        var intent = new AllocationIntent
        {
            Key = key,
            Offer = offer,
            PriceSnapshot = offer.PricePerHour,
            Hold = hold,
            AllocationDeadline = allocationDeadline,
            Why = placed.Why,
            Model = placed.ModelSource,
            Plan = placed.Model!.Request.On(offer.GpuCount) with { Shortfall = null, Lessons = null },
            Arguments = placed.Model.Arguments is { IsEmpty: false } arguments ? arguments : default,
            RuntimeKey = vault.Unusable is null ? vault.SealRandom(SecretBinding.OfRuntimeKey(Self, key)) : null,
        };
        return new CheckResult(intent, null, IsCuredByTime: false);
    }

    /// <summary>Closes the latest earlier run that is not settled; null when all are. See <see cref="InstanceTab"/>.</summary>
    private static CloseRun? ProvisionalCloseBefore(InstanceRecord record, int run) =>
        record
            .PendingCleanups.Where(cleanup => cleanup.Kind == CleanupKind.Settle && cleanup.Run < run)
            .MaxBy(cleanup => cleanup.Run)
            ?.ToCloseRun(record);

    /// <param name="Intent">The intent to record; null when a check failed.</param>
    /// <param name="Failure">Null with an intent, and when a patient check found only routes that failed recently.</param>
    /// <param name="IsCuredByTime">Whether the launch may wait for capacity instead of failing.</param>
    private readonly record struct CheckResult(AllocationIntent? Intent, Failure? Failure, bool IsCuredByTime);
}
