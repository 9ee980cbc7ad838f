using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Providers;
using static Scheduler.Domain.Instances.InstanceTrigger;

namespace Scheduler.Domain.Instances;

/// <summary>
/// The effect of each trigger on the record. The functions are pure, so that every sequence of triggers can be tested without a cluster.
/// A decision contains everything that one write must hold: the new state, its timeline events, the pending cleanup and the wake-up.
/// </summary>
/// <remarks>
/// Ground rules. Capacity that may exist is never forgotten: a transition out of a state that may hold an allocation adds a pending
/// release of its key, even when the provider never answered. Money is settled the same way: the end of a run adds a pending settlement.
/// A pending cleanup is removed only when the other side has confirmed it. Several triggers may be decided in one turn and written once
/// (checking is never stored); <see cref="InstanceRecord.Events"/> then holds one event for each.
/// </remarks>
public static partial class InstanceDecisions
{
    /// <summary>Commands remembered for idempotency: more than a client repeats, few enough to store.</summary>
    public const int HandledCommandsKept = 8;

    /// <summary>Failed routes remembered by one instance.</summary>
    public const int AvoidedRoutesKept = 16;

    /// <summary>The first write of a new instance, in <c>stopped</c>.</summary>
    public static InstanceRecord Create(InstanceRecord blank, in Cause cause) =>
        blank.Versioned() with
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

    /// <summary>
    /// A start whose checks passed: stopped, failed or waiting → checking → provisioning, in one write. A launch that waited keeps its wait,
    /// so that a refusal of this attempt does not lengthen it.
    /// </summary>
    /// <param name="intent">Its key contains <paramref name="run"/> and <paramref name="attempt"/>.</param>
    public static InstanceDecision Begin(
        InstanceRecord record,
        AllocationIntent intent,
        int run,
        int attempt,
        in Cause cause
    )
    {
        var reason = attempt == 1 ? "launch requested" : $"re-routed, attempt {attempt}";
        var keepsWait = attempt > 1 || record.State == InstanceState.Waiting;
        return OpenLaunch(record, reason, cause)
            .Transition(OfferChosen, intent.Why, cause, FailureCode.None, IntentData(intent))
            .Build(
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
                        Wait = keepsWait ? next.Wait : null,
                        Reroutes = 0,
                        // The new hold replaced the old one of the same run. The close of an earlier run was only provisional (see
                        // InstanceTab), so its settlement stays pending until the account confirms the recorded end.
                        PendingCleanups = next.PendingCleanups.RemoveAll(cleanup =>
                            cleanup.Kind == CleanupKind.Settle && cleanup.Run == run
                        ),
                    }
            );
    }

    /// <summary>A start whose checks failed: stopped, failed or waiting → checking → failed, in one write.</summary>
    public static InstanceDecision Refuse(InstanceRecord record, Failure failure, in Cause cause)
    {
        return OpenLaunch(record, "launch requested", cause)
            .Transition(CheckFailed, failure.Message, cause, failure.Code)
            .Build(cause, Failing(failure, cause));
    }

    /// <summary>The provider allocated capacity in time.</summary>
    public static InstanceDecision Allocate(
        InstanceRecord record,
        Allocation allocation,
        DateTimeOffset startDeadline,
        in Cause cause
    )
    {
        return Open(record)
            .Transition(Allocated, $"{record.Intent?.Offer.Route} allocated {allocation.ProviderAllocationId}", cause)
            .Build(
                cause,
                next =>
                    next with
                    {
                        Allocation = allocation,
                        Intent = next.Intent! with { StartDeadline = startDeadline },
                    }
            );
    }

    /// <summary>The runtime is healthy; the run is billed from now on.</summary>
    public static InstanceDecision BecomeReady(InstanceRecord record, Allocation allocation, in Cause cause)
    {
        var now = cause.Now;
        return Open(record)
            .Transition(Ready, $"runtime answers at {allocation.Endpoint}", cause)
            .Build(cause, next => next with { Allocation = allocation, RunningSince = now, Wait = null });
    }

    /// <summary>A failure during the launch or while running: allocation, boot, runtime exit, preemption, exhausted balance.</summary>
    /// <param name="avoid">The route to rank last from now on; null for none.</param>
    public static InstanceDecision Fail(
        InstanceRecord record,
        InstanceTrigger trigger,
        Failure failure,
        AvoidedRoute? avoid,
        in Cause cause
    )
    {
        return Open(record)
            .Transition(trigger, failure.Message, cause, failure.Code)
            .Build(
                cause,
                next => next with { PastFailures = PastFailures.With(record, failure) },
                EndRun(record, cause),
                Avoiding(avoid),
                Failing(failure, cause)
            );
    }

    /// <summary>A requested stop. Without pending cleanup the instance is stopped in the same write.</summary>
    public static InstanceDecision End(InstanceRecord record, in Cause cause)
    {
        var ended = EndRun(record, cause)(record);
        var decision = Open(record).Transition(Stop, "stop requested", cause);
        return ended.PendingCleanups.IsEmpty
            ? decision.Transition(Released, "nothing was held", cause).Build(cause, ClearRun, EndWaiting(record))
            : decision.Build(
                cause,
                next => next with { PastFailures = PastFailures.AfterGoodRun(record) },
                EndRun(record, cause),
                EndWaiting(record)
            );
    }

    /// <summary>Removes cleanups that were confirmed; the last one fires <see cref="Released"/>.</summary>
    public static InstanceDecision ConfirmCleanup(
        InstanceRecord record,
        IReadOnlyCollection<PendingCleanup> confirmed,
        in Cause cause
    )
    {
        var left = record.PendingCleanups.RemoveAll(confirmed.Contains);
        if (left.Length == record.PendingCleanups.Length)
        {
            return InstanceDecision.Refuse(record.State, "No such cleanup is pending.");
        }

        if (!left.IsEmpty || !InstanceLifecycle.TryNext(record.State, Released, out _))
        {
            // The cleanup of an earlier attempt of a re-routed launch is no transition, so it has no event.
            return Open(record).Build(cause, next => next with { PendingCleanups = left });
        }

        var decision = Open(record).Transition(Released, "release confirmed, billed to its end", cause);
        return record.State == InstanceState.Stopping
            ? decision.Build(cause, ClearRun)
            : decision.Build(cause, next => next with { PendingCleanups = left });
    }

    /// <summary>A requested delete; refused while cleanup is pending.</summary>
    public static InstanceDecision Remove(InstanceRecord record, in Cause cause)
    {
        return record.PendingCleanups.IsEmpty
            ? Open(record).Transition(Delete, "delete requested", cause).Build(cause)
            : InstanceDecision.Refuse(
                record.State,
                "Its capacity is still being released; delete it when that is confirmed."
            );
    }

    /// <summary>A change that is no transition: spec, labels, handled commands.</summary>
    public static InstanceDecision Change(
        InstanceRecord record,
        Func<InstanceRecord, InstanceRecord> change,
        in Cause cause
    ) => Open(record).Build(cause, change);

    /// <summary>Adds a command to the handled ones; no effect without a client request id.</summary>
    public static InstanceRecord Remember(this InstanceRecord record, string command, string? clientRequestId)
    {
        if (clientRequestId is null)
        {
            return record;
        }

        var handled = record.Handled.Add(new HandledCommand(command, clientRequestId));
        return record with { Handled = handled.Length > HandledCommandsKept ? handled.RemoveAt(0) : handled };
    }

    public static bool WasHandled(this InstanceRecord record, string command, string? clientRequestId) =>
        clientRequestId is not null && record.Handled.Contains(new HandledCommand(command, clientRequestId));

    private static InstanceDecisionBuilder Open(InstanceRecord record) => new InstanceDecisionBuilder(record);

    /// <summary>The state shows what begins the attempt: a command, or the waiting launch itself.</summary>
    private static InstanceDecisionBuilder OpenLaunch(InstanceRecord record, string reason, in Cause cause) =>
        record.State == InstanceState.Waiting
            ? Open(record).Transition(CapacityAppeared, "capacity appeared", cause)
            : Open(record).Transition(Start, reason, cause);

    /// <summary>A stop ends the wait; a launch that only waited did not fail.</summary>
    private static Func<InstanceRecord, InstanceRecord> EndWaiting(InstanceRecord before) =>
        next => next with { Wait = null, Failure = before.State == InstanceState.Waiting ? null : next.Failure };

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
            PendingCleanups = [],
        };

    /// <summary>
    /// Ends the run and adds its cleanup: release of the allocation (which may exist even if the provider never answered) and settlement.
    /// </summary>
    private static Func<InstanceRecord, InstanceRecord> EndRun(InstanceRecord before, Cause cause)
    {
        if (!before.State.MayHoldAllocation() || before.Intent is not { } intent)
        {
            return next => next;
        }

        DateTimeOffset? until = before.RunningSince is { } since ? Later(since, cause.Now) : null;
        var release = new PendingCleanup
        {
            Kind = CleanupKind.Release,
            Provider = intent.Offer.Provider,
            Key = intent.Key,
            Since = cause.Now,
        };
        var settle = new PendingCleanup
        {
            Kind = CleanupKind.Settle,
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
                PendingCleanups = next
                    .PendingCleanups.Add(release)
                    .RemoveAll(cleanup => cleanup.Kind == CleanupKind.Settle && cleanup.Run == settle.Run)
                    .Add(settle),
            };
    }

    // A clock that stepped back must not make the length of a run negative.
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
