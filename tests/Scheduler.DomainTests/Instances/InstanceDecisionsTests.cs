using FsCheck;
using FsCheck.Xunit;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Xunit;

namespace Scheduler.DomainTests.Instances;

/// <summary>
/// Properties over sequences of triggers: each number of a random list selects the next trigger and its time.
/// </summary>
public sealed class InstanceDecisionsTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly TimeSpan Patience = TimeSpan.FromHours(6);

    private static readonly Offer Offer = new(
        new ProviderId("cloud"),
        "offer-1",
        "eu-west",
        "L40S",
        1,
        CapacityTier.Standard,
        Spot: false,
        new MicroEuro(1_200_000),
        Available: 3
    );

    private static readonly Func<InstanceRecord, Cause, InstanceDecision>[] Happenings =
    [
        (record, cause) => Begin(record, cause, record.Run + 1, 1),
        (record, cause) => InstanceDecisions.Refuse(record, Failure(FailureCode.SmartNoMatch), cause),
        (record, cause) => InstanceDecisions.Allocate(record, Given(record), cause.Now.AddMinutes(10), cause),
        (record, cause) => InstanceDecisions.BecomeReady(record, Given(record), cause),
        (record, cause) =>
            InstanceDecisions
                .Allocate(record, Given(record), cause.Now.AddMinutes(10), cause)
                .And(next => InstanceDecisions.BecomeReady(next, Given(next), cause)),
        (record, cause) => Fail(record, InstanceTrigger.DeadlinePassed, cause),
        (record, cause) => Fail(record, InstanceTrigger.ProviderRejected, cause),
        (record, cause) => Fail(record, InstanceTrigger.RuntimeExited, cause),
        (record, cause) => Fail(record, InstanceTrigger.RuntimeUnhealthy, cause),
        (record, cause) => Fail(record, InstanceTrigger.Preempted, cause),
        (record, cause) => Fail(record, InstanceTrigger.BalanceExhausted, cause),
        (record, cause) => Reroute(record, InstanceTrigger.DeadlinePassed, cause),
        (record, cause) => Reroute(record, InstanceTrigger.Preempted, cause),
        (record, cause) => InstanceDecisions.End(record, cause),
        (record, cause) => InstanceDecisions.ConfirmCleanup(record, record.PendingCleanups, cause),
        (record, cause) => InstanceDecisions.ConfirmCleanup(record, [.. record.PendingCleanups.Take(1)], cause),
        (record, cause) =>
            InstanceDecisions.ConfirmCleanup(record, [new PendingCleanup { Kind = CleanupKind.Release }], cause),
        (record, cause) => InstanceDecisions.Remove(record, cause),
        (record, cause) => InstanceDecisions.Change(record, next => next.Remember("Start", "again"), cause),
        (record, cause) => InstanceDecisions.StartWaiting(record, Failure(FailureCode.SmartNoMatch), cause),
        (record, cause) => WaitAfter(record, cause),
        (record, cause) => WaitAfter(record, cause).And(next => Begin(next, cause, next.Run + 1, 1)),
        (record, cause) => InstanceDecisions.EndWait(record, cause),
    ];

    [Property(MaxTest = 400)]
    public void INV_04_events_are_contiguous_and_permitted_and_connect_old_to_new_state(DoNotSize<uint>[] steps) =>
        Walk(
            steps,
            (before, next, _) =>
            {
                var state = before.State;
                var sequence = before.LastSequence;
                foreach (var e in next.Events)
                {
                    Assert.Equal(++sequence, e.Sequence);
                    Assert.Equal(state.ToString(), e.From);
                    Assert.True(InstanceLifecycle.TryNext(state, Enum.Parse<InstanceTrigger>(e.Trigger), out state));
                    Assert.Equal(state.ToString(), e.To);
                }

                Assert.Equal(next.State, state);
                Assert.Equal(next.LastSequence, sequence);
                Assert.Equal(before.Generation + 1, next.Generation);
                Assert.NotEqual(InstanceState.Checking, next.State);
            }
        );

    [Property(MaxTest = 400)]
    public void INV_01_INV_02_an_allocation_that_may_exist_is_never_forgotten(DoNotSize<uint>[] steps) =>
        Walk(
            steps,
            (before, next, happening) =>
            {
                var isPaying = happening is 14 or 15 or 16;
                foreach (var key in MayExist(before))
                {
                    Assert.True(isPaying || MayExist(next).Contains(key), $"{key} is forgotten in {next.State}");
                }

                if (next.State is InstanceState.Stopped or InstanceState.Deleted)
                {
                    Assert.Empty(next.PendingCleanups);
                }

                Assert.Equal(
                    next.PendingCleanups.Count(debt => debt.Kind == CleanupKind.Release),
                    next.PendingCleanups.Where(debt => debt.Kind == CleanupKind.Release)
                        .Select(debt => debt.Key)
                        .Distinct()
                        .Count()
                );
            }
        );

    [Property(MaxTest = 400)]
    public void INV_05_an_ended_run_leaves_a_settlement_exact_to_the_second(DoNotSize<uint>[] steps) =>
        Walk(
            steps,
            (before, next, happening) =>
            {
                var isOver = before.State.MayHoldAllocation() && !next.State.MayHoldAllocation();
                if (!isOver)
                {
                    return;
                }

                var settle = Assert.Single(
                    next.PendingCleanups,
                    debt => debt.Kind == CleanupKind.Settle && debt.Run == before.Run
                );
                Assert.Equal(before.RunningSince, settle.RunningSince);
                Assert.Equal(before.RunningSince is null, settle.RunningUntil is null);
                Assert.True(settle.RunningUntil is null || settle.RunningUntil >= settle.RunningSince);
                Assert.Equal(before.Intent!.PriceSnapshot, settle.PricePerHour);
            }
        );

    [Property(MaxTest = 400)]
    public void INV_03_pending_work_always_has_a_wake_up(DoNotSize<uint>[] steps) =>
        Walk(
            steps,
            (_, next, _) =>
            {
                var isWaiting = next.State == InstanceState.Waiting;
                var waits = next.State.MayHoldAllocation() || isWaiting || !next.PendingCleanups.IsEmpty;
                Assert.Equal(waits, next.WakeAt is not null);
                if (isWaiting)
                {
                    Assert.True(next.WakeAt <= next.Wait!.Until);
                    Assert.True(!next.PendingCleanups.IsEmpty || next.WakeAt == next.Wait.Until);
                }

                if (next.State == InstanceState.Provisioning)
                {
                    Assert.True(next.WakeAt <= next.Intent!.AllocationDeadline);
                }

                if (next.State == InstanceState.Starting)
                {
                    Assert.True(next.WakeAt <= next.Intent!.StartDeadline);
                }
            }
        );

    [Property(MaxTest = 400)]
    public void INV_07_a_failed_instance_has_a_failure_and_a_live_one_has_none(DoNotSize<uint>[] steps) =>
        Walk(
            steps,
            (_, next, _) =>
            {
                if (next.State == InstanceState.Failed)
                {
                    Assert.NotNull(next.Failure);
                    Assert.NotEqual(default, next.Failure.RequestId);
                }

                if (next.State.MayHoldAllocation())
                {
                    Assert.Null(next.Failure);
                    Assert.NotNull(next.Intent);
                }
            }
        );

    [Property(MaxTest = 400)]
    public void A_waiting_instance_holds_nothing_says_why_and_no_attempt_moves_the_end_of_its_wait(
        DoNotSize<uint>[] steps
    ) =>
        Walk(
            steps,
            (before, next, _) =>
            {
                if (next.State == InstanceState.Waiting)
                {
                    Assert.Null(next.Intent);
                    Assert.Null(next.Allocation);
                    Assert.NotNull(next.Failure);
                    Assert.Equal(next.Wait!.Since + Patience, next.Wait.Until);
                }

                var hasBegunAnew = next.Events.Any(e => e.Reason == "launch requested");
                if (before.Wait is { } wait && next.Wait is { } now && !hasBegunAnew)
                {
                    Assert.Equal(wait, now);
                }

                Assert.True(next.State is not (InstanceState.Running or InstanceState.Stopped) || next.Wait is null);
                Assert.Equal(InstanceRecord.CurrentSchemaVersion, next.SchemaVersion);
            }
        );

    [Property(MaxTest = 400)]
    public void A_forbidden_trigger_is_refused_naming_the_allowed_ones(DoNotSize<uint>[] steps)
    {
        var (record, at) = (Created(), Noon);
        foreach (var step in steps.Select(number => number.Item))
        {
            at = Later(at, step);
            var decision = Happen(record, step, at);
            Assert.Equal(record.State, decision.IsPermitted ? record.State : decision.State);
            if (!decision.IsPermitted)
            {
                Assert.NotEmpty(decision.Why);
                Assert.Equal(InstanceLifecycle.AllowedIn(decision.State), decision.Allowed);
            }

            record = decision.Next ?? record;
        }
    }

    [Fact]
    public void A_refusal_of_the_second_decision_refuses_both()
    {
        var record = Created();
        var cause = CauseAt(Noon);

        var both = Begin(record, cause, 1, 1).And(next => InstanceDecisions.Remove(next, cause));

        Assert.False(both.IsPermitted);
        Assert.Equal("Delete is not possible while the instance is provisioning.", both.Why);
    }

    [Fact]
    public void Only_the_latest_commands_and_routes_are_kept()
    {
        var record = Created();
        for (var i = 0; i < 20; i++)
        {
            record = record.Remember("Start", $"r-{i}");
        }

        Assert.Equal(InstanceDecisions.HandledCommandsKept, record.Handled.Length);
        Assert.True(record.WasHandled("Start", "r-19"));
        Assert.False(record.WasHandled("Stop", "r-19"));
        Assert.False(record.WasHandled("Start", "r-0"));
        Assert.False(record.WasHandled("Start", null));

        record = Begin(record, CauseAt(Noon), 1, 1).Next!;
        for (var i = 0; i < 20; i++)
        {
            var avoid = new AvoidedRoute(Offer.Route with { Region = $"r-{i}" }, Noon);
            var failed = InstanceDecisions
                .Fail(
                    record,
                    InstanceTrigger.DeadlinePassed,
                    Failure(FailureCode.ProviderTimeout),
                    avoid,
                    CauseAt(Noon)
                )
                .Next!;
            record = Begin(failed, CauseAt(Noon), i + 2, 1).Next!;
        }

        Assert.Equal(InstanceDecisions.AvoidedRoutesKept, record.AvoidedRoutes.Length);
        Assert.Equal("r-19", record.AvoidedRoutes[^1].Route.Region);
    }

    private static void Walk(DoNotSize<uint>[] steps, Action<InstanceRecord, InstanceRecord, int> check)
    {
        var (record, at) = (Created(), Noon);
        foreach (var step in steps.Select(number => number.Item))
        {
            at = Later(at, step);
            var decision = Happen(record, step, at);
            if (decision.IsPermitted)
            {
                check(record, decision.Next, (int)(step % (uint)Happenings.Length));
                record = decision.Next;
            }
        }
    }

    // Some steps set the clock back.
    private static DateTimeOffset Later(DateTimeOffset at, uint step) =>
        at.AddMilliseconds((long)(step / (uint)Happenings.Length % 5_000) - 500);

    private static InstanceDecision Happen(InstanceRecord record, uint step, DateTimeOffset at) =>
        Happenings[step % (uint)Happenings.Length](record, CauseAt(at));

    private static Cause CauseAt(DateTimeOffset at) => new(at, new RequestId("req-1"), "scheduler");

    private static HashSet<AllocationKey> MayExist(InstanceRecord record)
    {
        var keys = record
            .PendingCleanups.Where(debt => debt.Kind == CleanupKind.Release)
            .Select(debt => debt.Key)
            .ToHashSet();
        if (record.State.MayHoldAllocation())
        {
            keys.Add(record.Intent!.Key);
        }

        return keys;
    }

    private static InstanceRecord Created() =>
        InstanceDecisions.Create(
            new InstanceRecord
            {
                Id = new InstanceId("i-1"),
                Account = new AccountId("acct-a"),
                Spec = new LaunchSpec { WaitForCapacity = Patience },
            },
            CauseAt(Noon)
        );

    private static InstanceDecision Begin(InstanceRecord record, Cause cause, int run, int attempt) =>
        InstanceDecisions.Begin(
            record,
            new AllocationIntent
            {
                Key = new AllocationKey($"i-1-r{run}-a{attempt}"),
                Offer = Offer,
                PriceSnapshot = Offer.PricePerHour,
                Hold = Offer.PricePerHour,
                AllocationDeadline = cause.Now.AddMinutes(1),
                Why = "cheapest",
                Model = "m",
            },
            run,
            attempt,
            cause
        );

    private static InstanceDecision WaitAfter(InstanceRecord record, Cause cause) =>
        InstanceDecisions.WaitAfter(
            record,
            Failure(FailureCode.ProviderTimeout),
            new AvoidedRoute(Offer.Route, cause.Now.AddMinutes(5)),
            cause
        );

    private static InstanceDecision Fail(InstanceRecord record, InstanceTrigger trigger, Cause cause) =>
        InstanceDecisions.Fail(record, trigger, Failure(FailureCode.RuntimeExited), null, cause);

    private static InstanceDecision Reroute(InstanceRecord record, InstanceTrigger trigger, Cause cause) =>
        Fail(record, trigger, cause)
            .And(next =>
                next.RunningSince is null
                    ? Begin(next, cause, next.Run, next.Attempt + 1)
                    : Begin(next, cause, next.Run + 1, 1)
            );

    private static Allocation Given(InstanceRecord record) =>
        new() { Key = record.Intent?.Key ?? default, Status = AllocationStatus.Ready };

    private static Failure Failure(FailureCode code) => FailureCatalogue.Describe(new AnyFacts(code));

    private sealed record AnyFacts(FailureCode Code) : FailureFacts(Code);
}
