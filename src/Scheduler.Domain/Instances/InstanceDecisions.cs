using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Providers;
using static Scheduler.Domain.Instances.InstanceTrigger;

namespace Scheduler.Domain.Instances;

/// <summary>
/// The effect of each trigger on the record. Pure, so tests can run every sequence of triggers without a cluster. A
/// decision contains all that one write must hold: the new state, its timeline events, the pending cleanup and the
/// wake-up time.
/// </summary>
/// <remarks>
/// Rules. Capacity that may exist is never forgotten: leaving a state that may hold an allocation adds a release debt
/// for its key, also when the provider never answered. Money works the same way: leaving a run adds a settle debt. A
/// debt is removed only after the other side has confirmed it. Several triggers can be decided in one turn and written
/// once (<c>checking</c> is never stored). In that case <see cref="InstanceRecord.Events"/> has one event for each
/// trigger.
/// </remarks>
public static class InstanceDecisions
{
    /// <summary>More than a client repeats, and few enough to store.</summary>
    public const int HandledCommandsKept = 8;

    public const int AvoidedRoutesKept = 16;

    /// <summary>Delay from the start of <c>running</c> until the agenda checks that the meter has started.</summary>
    public static readonly TimeSpan MeterBackstop = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Interval at which the agenda checks an instance that waits for a provider or has pending cleanup. If its
    /// activation is lost with a silo, nothing else continues the work before the deadline, and a launch must not time
    /// out because of that (INV-03).
    /// </summary>
    public static readonly TimeSpan WorkBackstop = TimeSpan.FromSeconds(30);

    public static InstanceRecord Create(InstanceRecord blank, in Cause cause)
    {
        ArgumentNullException.ThrowIfNull(blank);
        return blank with
        {
            State = InstanceState.Stopped,
            StateSince = cause.Now,
            Generation = 1,
            RequestId = cause.RequestId,
            CreatedAt = cause.Now,
            UpdatedAt = cause.Now,
            LastSequence = 1,
            Events =
            [
                new StoredEvent
                {
                    Sequence = 1,
                    At = cause.Now,
                    Trigger = "Create",
                    To = nameof(InstanceState.Stopped),
                    Reason = "created",
                    RequestId = cause.RequestId,
                    Actor = cause.Actor,
                },
            ],
        };
    }

    /// <summary>A start whose checks passed: stopped or failed → checking → provisioning, in one write.</summary>
    /// <param name="intent">Its key contains <paramref name="run"/> and <paramref name="attempt"/>.</param>
    /// <param name="attempt">Within the run, from 1.</param>
    public static InstanceDecision Begin(
        InstanceRecord record,
        AllocationIntent intent,
        int run,
        int attempt,
        in Cause cause
    )
    {
        ArgumentNullException.ThrowIfNull(intent);
        var reason = attempt == 1 ? "launch asked for" : $"re-routed, attempt {attempt}";
        return Open(record)
            .Then(Start, reason, cause)
            .Then(OfferChosen, intent.Why, cause, FailureCode.None, IntentData(intent))
            .Finish(
                cause,
                next =>
                    next with
                    {
                        Run = run,
                        Attempt = attempt,
                        Intent = intent,
                        Allocation = null,
                        RunningSince = null,
                        RunningUntil = null,
                        Failure = null,
                        Reroutes = 0,
                        // The new hold replaced the old hold of the same run, so that run's settle debt is void. An
                        // earlier run was closed by the same command (see TakeHold), but only this write records its
                        // end. So its debt stays until the account confirms that end.
                        Debts = next.Debts.RemoveAll(debt => debt.Kind == DebtKind.Settle && debt.Run == run),
                    }
            );
    }

    /// <summary>A start whose checks failed: stopped or failed → checking → failed, in one write.</summary>
    public static InstanceDecision Refuse(InstanceRecord record, Failure failure, in Cause cause)
    {
        ArgumentNullException.ThrowIfNull(failure);
        return Open(record)
            .Then(Start, "launch asked for", cause)
            .Then(CheckFailed, failure.Message, cause, failure.Code)
            .Finish(cause, Failing(failure, cause));
    }

    public static InstanceDecision Allocate(
        InstanceRecord record,
        Allocation allocation,
        DateTimeOffset startDeadline,
        in Cause cause
    )
    {
        ArgumentNullException.ThrowIfNull(allocation);
        return Open(record)
            .Then(Allocated, $"{record.Intent?.Offer.Route} gave {allocation.ProviderAllocationId}", cause)
            .Finish(
                cause,
                next =>
                    next with
                    {
                        Allocation = allocation,
                        Intent = next.Intent! with { StartDeadline = startDeadline },
                    }
            );
    }

    /// <summary>The runtime is healthy; billing starts now.</summary>
    public static InstanceDecision BecomeReady(InstanceRecord record, Allocation allocation, in Cause cause)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        var now = cause.Now;
        return Open(record)
            .Then(Ready, $"runtime answers at {allocation.Endpoint}", cause)
            .Finish(cause, next => next with { Allocation = allocation, RunningSince = now });
    }

    /// <summary>A failure before or while running: allocation, boot, exit, preemption, exhausted balance.</summary>
    /// <param name="avoid">The route to rank last, and until when; null for none.</param>
    public static InstanceDecision Fail(
        InstanceRecord record,
        InstanceTrigger trigger,
        Failure failure,
        AvoidedRoute? avoid,
        in Cause cause
    )
    {
        ArgumentNullException.ThrowIfNull(failure);
        return Open(record)
            .Then(trigger, failure.Message, cause, failure.Code)
            .Finish(cause, EndRun(record, cause), Avoiding(avoid), Failing(failure, cause));
    }

    /// <summary>Stop was requested. Without pending cleanup the instance is stopped in the same write.</summary>
    public static InstanceDecision End(InstanceRecord record, in Cause cause)
    {
        ArgumentNullException.ThrowIfNull(record);
        var ended = EndRun(record, cause)(record);
        var draft = Open(record).Then(Stop, "stop asked for", cause);
        return ended.Debts.IsEmpty
            ? draft.Then(Released, "nothing was held", cause).Finish(cause, ClearRun)
            : draft.Finish(cause, EndRun(record, cause));
    }

    /// <summary>Removes confirmed debts; when none is left, fires <see cref="Released"/>.</summary>
    public static InstanceDecision Pay(InstanceRecord record, IReadOnlyCollection<Debt> paid, in Cause cause)
    {
        ArgumentNullException.ThrowIfNull(record);
        var left = record.Debts.RemoveAll(paid.Contains);
        if (left.Length == record.Debts.Length)
        {
            return InstanceDecision.Refuse(record.State, "No such debt is open.");
        }

        if (!left.IsEmpty || !InstanceLifecycle.TryNext(record.State, Released, out _))
        {
            // A re-routed launch confirms the debts of its earlier attempts meanwhile: no transition, so no event.
            return Open(record).Finish(cause, next => next with { Debts = left });
        }

        var draft = Open(record).Then(Released, "release confirmed, billed to its end", cause);
        return record.State == InstanceState.Stopping
            ? draft.Finish(cause, ClearRun)
            : draft.Finish(cause, next => next with { Debts = left });
    }

    /// <summary>Delete was requested; refused while cleanup is pending.</summary>
    public static InstanceDecision Remove(InstanceRecord record, in Cause cause)
    {
        ArgumentNullException.ThrowIfNull(record);
        return record.Debts.IsEmpty
            ? Open(record).Then(Delete, "delete asked for", cause).Finish(cause)
            : InstanceDecision.Refuse(
                record.State,
                "Its capacity is still being released; delete it when that is confirmed."
            );
    }

    /// <summary>A change without a transition: the spec, the labels, handled commands.</summary>
    public static InstanceDecision Change(
        InstanceRecord record,
        Func<InstanceRecord, InstanceRecord> change,
        in Cause cause
    ) => Open(record).Finish(cause, change);

    public static InstanceRecord Remember(this InstanceRecord record, string command, string? clientRequestId)
    {
        ArgumentNullException.ThrowIfNull(record);
        if (clientRequestId is null)
        {
            return record;
        }

        var handled = record.Handled.Add(new HandledCommand(command, clientRequestId));
        return record with { Handled = handled.Length > HandledCommandsKept ? handled.RemoveAt(0) : handled };
    }

    public static bool WasHandled(this InstanceRecord record, string command, string? clientRequestId)
    {
        ArgumentNullException.ThrowIfNull(record);
        return clientRequestId is not null && record.Handled.Contains(new HandledCommand(command, clientRequestId));
    }

    private static InstanceDraft Open(InstanceRecord record)
    {
        ArgumentNullException.ThrowIfNull(record);
        return new InstanceDraft(record);
    }

    private static Func<InstanceRecord, InstanceRecord> Failing(Failure failure, Cause cause) =>
        next =>
            next with
            {
                Failure = new FailureRecord
                {
                    Failure = failure,
                    RequestId = cause.RequestId,
                    FailedAt = cause.Now,
                    Run = next.Run,
                    Attempt = next.Attempt,
                },
            };

    private static Func<InstanceRecord, InstanceRecord> Avoiding(AvoidedRoute? avoid) =>
        next =>
        {
            if (avoid is null)
            {
                return next;
            }

            var routes = next.AvoidedRoutes.RemoveAll(known => known.Route == avoid.Route).Add(avoid);
            return next with { AvoidedRoutes = routes.Length > AvoidedRoutesKept ? routes.RemoveAt(0) : routes };
        };

    private static InstanceRecord ClearRun(InstanceRecord next) =>
        next with
        {
            Intent = null,
            Allocation = null,
            Debts = [],
        };

    /// <summary>Adds the cleanup of a run: its allocation (which may exist without an answer) and its money.</summary>
    private static Func<InstanceRecord, InstanceRecord> EndRun(InstanceRecord before, Cause cause)
    {
        if (!before.State.MayHoldAllocation() || before.Intent is not { } intent)
        {
            return next => next;
        }

        DateTimeOffset? until = before.RunningSince is { } since ? Later(since, cause.Now) : null;
        var release = new Debt
        {
            Kind = DebtKind.Release,
            Provider = intent.Offer.Provider,
            Key = intent.Key,
            Since = cause.Now,
        };
        var settle = new Debt
        {
            Kind = DebtKind.Settle,
            Run = before.Run,
            RunningSince = before.RunningSince,
            RunningUntil = until,
            PricePerHour = intent.PriceSnapshot,
            Since = cause.Now,
        };
        return next =>
            next with
            {
                RunningUntil = until,
                Debts = next
                    .Debts.Add(release)
                    .RemoveAll(debt => debt.Kind == DebtKind.Settle && debt.Run == settle.Run)
                    .Add(settle),
            };
    }

    // If the clock stepped back, the length of a run must not be negative.
    private static DateTimeOffset Later(DateTimeOffset a, DateTimeOffset b) => a > b ? a : b;

    private static ImmutableSortedDictionary<string, string> IntentData(AllocationIntent intent) =>
        ImmutableSortedDictionary.CreateRange(
            StringComparer.Ordinal,
            [
                KeyValuePair.Create("route", intent.Offer.Route.ToString()),
                KeyValuePair.Create("offer", intent.Offer.OfferId),
                KeyValuePair.Create("price_per_hour_eur", intent.PriceSnapshot.ToString()),
                KeyValuePair.Create("key", intent.Key.Value),
            ]
        );
}
