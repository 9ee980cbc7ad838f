using System.Collections.Immutable;
using Scheduler.Domain.Events;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Providers;
using static Scheduler.Domain.Instances.InstanceTrigger;

namespace Scheduler.Domain.Instances;

/// <summary>
/// What each trigger does to the record: pure, so that every sequence of triggers can be tried without a cluster. A decision carries
/// everything one write must hold: the new state, its timeline events, what is owed from now on, and when to be woken.
/// </summary>
/// <remarks>
/// Ground rules. Capacity that may exist is never forgotten: leaving a state that may hold an allocation adds a release debt for its
/// key, also when the provider never answered. Money is settled the same way: leaving a run adds a settle debt. A debt
/// is struck out only when the other side confirmed it. Several triggers may be decided in one turn and written once (checking is
/// never stored); <see cref="InstanceRecord.Events"/> then holds one event for each.
/// </remarks>
public static class InstanceDecisions
{
    /// <summary>Commands remembered for idempotency: more than any sane client repeats, little enough to store.</summary>
    public const int HandledCommandsKept = 8;

    /// <summary>Routes remembered as failed by one instance.</summary>
    public const int AvoidedRoutesKept = 16;

    /// <summary>How long after <c>running</c> began the agenda asks once more whether the meter was started.</summary>
    public static readonly TimeSpan MeterBackstop = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How often the agenda looks after an instance that waits for a provider or owes something: were its activation lost with another
    /// silo, nobody else would go on before the deadline, and a launch must not time out over that (INV-03).
    /// </summary>
    public static readonly TimeSpan WorkBackstop = TimeSpan.FromSeconds(30);

    /// <summary>The first write: an instance, stopped.</summary>
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
    /// <param name="record">The present record.</param>
    /// <param name="intent">What was decided; its key names <paramref name="run"/> and <paramref name="attempt"/>.</param>
    /// <param name="run">The run this attempt belongs to.</param>
    /// <param name="attempt">Its place in the run.</param>
    /// <param name="cause">Under what.</param>
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
                        // The new hold replaced the old one of the same run. An earlier run was closed with it (see TakeHold), but to an
                        // end that is on record only now: its debt stays until the account has that confirmed.
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

    /// <summary>The provider gave capacity in time.</summary>
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

    /// <summary>The runtime is healthy: the meter runs from this moment.</summary>
    public static InstanceDecision BecomeReady(InstanceRecord record, Allocation allocation, in Cause cause)
    {
        ArgumentNullException.ThrowIfNull(allocation);
        var now = cause.Now;
        return Open(record)
            .Then(Ready, $"runtime answers at {allocation.Endpoint}", cause)
            .Finish(cause, next => next with { Allocation = allocation, RunningSince = now });
    }

    /// <summary>A failure on the way or while running: allocation, boot, death, preemption, exhaustion.</summary>
    /// <param name="record">The present record.</param>
    /// <param name="trigger">What happened.</param>
    /// <param name="failure">What it is, from the catalogue.</param>
    /// <param name="avoid">The route to rank last from now on, and until when; null for none.</param>
    /// <param name="cause">Under what.</param>
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

    /// <summary>The end of the run was asked for. With nothing owed the instance is stopped in the same write.</summary>
    public static InstanceDecision End(InstanceRecord record, in Cause cause)
    {
        ArgumentNullException.ThrowIfNull(record);
        var ended = EndRun(record, cause)(record);
        var draft = Open(record).Then(Stop, "stop asked for", cause);
        return ended.Debts.IsEmpty
            ? draft.Then(Released, "nothing was held", cause).Finish(cause, ClearRun)
            : draft.Finish(cause, EndRun(record, cause));
    }

    /// <summary>Debts that were confirmed are struck out; the last one fires <see cref="Released"/>.</summary>
    /// <param name="record">The present record.</param>
    /// <param name="paid">What was confirmed.</param>
    /// <param name="cause">Under what.</param>
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
            // A re-routed launch pays the debts of its earlier attempts on the way: no transition, so no event.
            return Open(record).Finish(cause, next => next with { Debts = left });
        }

        var draft = Open(record).Then(Released, "release confirmed, billed to its end", cause);
        return record.State == InstanceState.Stopping
            ? draft.Finish(cause, ClearRun)
            : draft.Finish(cause, next => next with { Debts = left });
    }

    /// <summary>Removal was asked for; refused while something is still owed.</summary>
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

    /// <summary>A change that is no transition: the spec, the labels, what was handled.</summary>
    public static InstanceDecision Change(
        InstanceRecord record,
        Func<InstanceRecord, InstanceRecord> change,
        in Cause cause
    ) => Open(record).Finish(cause, change);

    /// <summary>Remembers that a command was handled.</summary>
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

    /// <summary>Whether a command was handled before.</summary>
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

    /// <summary>What leaving a run owes: the allocation (which may exist even if unanswered) and the money.</summary>
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

    // A clock that stepped back must not make a run of negative length.
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
