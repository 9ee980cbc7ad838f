using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.DomainTests.Instances;

/// <summary>One ordinary life of an instance, field by field.</summary>
public sealed class InstanceWriteTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_new_instance_is_stopped()
    {
        var made = Created();
        Assert.Equal((InstanceState.Stopped, 1L, 1L), (made.State, made.Generation, made.LastSequence));
        Assert.Equal((Noon, Noon, Noon), (made.StateSince, made.CreatedAt, made.UpdatedAt));
        Assert.Equal("req-1", made.RequestId.Value);
        var created = Assert.Single(made.Events);
        Assert.Equal((1L, "Create", "Stopped"), (created.Sequence, created.Trigger, created.To));
        Assert.Equal((Noon, "req-1", "key:a"), (created.At, created.RequestId.Value, created.Actor));
        Assert.True(made.Exists);
        Assert.False(new InstanceRecord().Exists);
        Assert.Null(made.WakeAt);
    }

    [Fact]
    public void A_launch_plans_its_allocation_and_clears_the_run_before()
    {
        var old = Created() with
        {
            Run = 1,
            Attempt = 2,
            Reroutes = 3,
            RunningSince = Noon,
            RunningUntil = Noon,
            Allocation = new Allocation(),
            Failure = new FailureRecord(),
            PendingCleanups =
            [
                new PendingCleanup { Kind = CleanupKind.Settle, Run = 1 },
                new PendingCleanup { Kind = CleanupKind.Settle, Run = 2 },
                new PendingCleanup { Kind = CleanupKind.Release, Run = 2 },
            ],
        };

        var next = Begin(old, run: 2, attempt: 1).Next!;

        Assert.Equal((InstanceState.Provisioning, 2, 1, 0), (next.State, next.Run, next.Attempt, next.Reroutes));
        Assert.Equal(Noon.AddMinutes(1), next.StateSince);
        Assert.Equal("req-2", next.RequestId.Value);
        Assert.Null(next.Allocation);
        Assert.Null(next.RunningSince);
        Assert.Null(next.RunningUntil);
        Assert.Null(next.Failure);
        Assert.Equal(
            [(CleanupKind.Settle, 1), (CleanupKind.Release, 2)],
            next.PendingCleanups.Select(cleanup => (cleanup.Kind, cleanup.Run))
        );
        Assert.Equal(["Start", "OfferChosen"], next.Events.Select(happened => happened.Trigger));
        Assert.Equal(["launch requested", "cheapest"], next.Events.Select(happened => happened.Reason));
        Assert.Equal([2L, 3L], next.Events.Select(happened => happened.Sequence));
        Assert.Empty(next.Events[0].Data);
        Assert.Equal(["key", "offer", "price_per_hour_eur", "route"], next.Events[1].Data.Keys);
        Assert.Equal("re-routed, attempt 2", Begin(Created(), 1, attempt: 2).Next!.Events[0].Reason);
    }

    [Fact]
    public void A_refused_launch_says_why()
    {
        var failure = FailureCatalogue.Describe(new AnyFacts());
        var old = Created() with { Run = 3, Attempt = 2 };

        var next = InstanceDecisions.Refuse(old, failure, At(1)).Next!;

        Assert.Equal(InstanceState.Failed, next.State);
        Assert.Equal(
            new FailureRecord
            {
                Failure = failure,
                RequestId = new RequestId("req-2"),
                FailedAt = Noon.AddMinutes(1),
                Run = 3,
                Attempt = 2,
            },
            next.Failure
        );
        Assert.Equal([FailureCode.None, failure.Code], next.Events.Select(happened => happened.Code));
        Assert.Null(next.WakeAt);
    }

    [Fact]
    public void A_run_is_allocated_ready_and_stopped_and_leaves_its_cleanup()
    {
        var begun = Begin(Created(), 1, 1).Next!;
        var given = new Allocation { Key = begun.Intent!.Key, ProviderAllocationId = "vm-1" };

        var starting = InstanceDecisions.Allocate(begun, given, Noon.AddMinutes(20), At(2)).Next!;
        Assert.Equal((InstanceState.Starting, given), (starting.State, starting.Allocation));
        Assert.Equal(Noon.AddMinutes(20), starting.Intent!.StartDeadline);
        Assert.Equal("cloud/eu-west/L40S allocated vm-1", Assert.Single(starting.Events).Reason);

        var ready = given with { Endpoint = new Uri("http://vm-1/") };
        var running = InstanceDecisions.BecomeReady(starting, ready, At(3)).Next!;
        Assert.Equal((InstanceState.Running, ready), (running.State, running.Allocation));
        Assert.Equal(Noon.AddMinutes(3), running.RunningSince);

        var stopping = InstanceDecisions.End(running, At(4)).Next!;
        Assert.Equal(InstanceState.Stopping, stopping.State);
        Assert.Equal(Noon.AddMinutes(4), stopping.RunningUntil);
        Assert.Equal(
            new PendingCleanup
            {
                Kind = CleanupKind.Release,
                Provider = begun.Intent.Offer.Provider,
                Key = begun.Intent.Key,
                Since = Noon.AddMinutes(4),
            },
            stopping.PendingCleanups[0]
        );
        Assert.Equal(
            new PendingCleanup
            {
                Kind = CleanupKind.Settle,
                Run = 1,
                RunningSince = Noon.AddMinutes(3),
                RunningUntil = Noon.AddMinutes(4),
                PricePerHour = Make.CheapestPrice,
                Since = Noon.AddMinutes(4),
            },
            stopping.PendingCleanups[1]
        );

        var unknown = InstanceDecisions.ConfirmCleanup(stopping, [new PendingCleanup()], At(5));
        Assert.Equal((false, "No such cleanup is pending."), (unknown.IsPermitted, unknown.Why));
        var half = InstanceDecisions.ConfirmCleanup(stopping, [stopping.PendingCleanups[0]], At(5)).Next!;
        Assert.Equal((InstanceState.Stopping, stopping.Generation + 1), (half.State, half.Generation));
        Assert.Empty(half.Events);
        Assert.Equal((stopping.StateSince, stopping.RequestId), (half.StateSince, half.RequestId));
        Assert.Equal(Noon.AddMinutes(5), half.UpdatedAt);
        Assert.Equal([stopping.PendingCleanups[1]], half.PendingCleanups);
        Assert.Contains("still being released", InstanceDecisions.Remove(half, At(5)).Why, StringComparison.Ordinal);

        var stopped = InstanceDecisions.ConfirmCleanup(half, half.PendingCleanups, At(6)).Next!;
        Assert.Equal(InstanceState.Stopped, stopped.State);
        Assert.Empty(stopped.PendingCleanups);
        Assert.Null(stopped.Intent);
        Assert.Null(stopped.Allocation);
        Assert.Null(stopped.WakeAt);
        Assert.Equal(InstanceState.Deleted, InstanceDecisions.Remove(stopped, At(7)).Next!.State);
    }

    [Fact]
    public void A_failed_instance_without_cleanup_is_stopped_at_once()
    {
        var failed = InstanceDecisions.Refuse(Created(), Described(), At(1)).Next! with
        {
            Allocation = new Allocation(),
        };
        var stopped = InstanceDecisions.End(failed, At(2)).Next!;
        Assert.Equal(InstanceState.Stopped, stopped.State);
        Assert.Equal(["Stop", "Released"], stopped.Events.Select(happened => happened.Trigger));
        Assert.Null(stopped.Allocation);
    }

    [Fact]
    public void A_failed_instance_keeps_its_plan_while_its_cleanup_is_confirmed()
    {
        var failed = Fail(Begin(Created(), 1, 1).Next!, 2).Next!;
        Assert.Equal(2, failed.PendingCleanups.Length);

        var released = InstanceDecisions.ConfirmCleanup(failed, failed.PendingCleanups, At(3)).Next!;

        Assert.Equal(InstanceState.Failed, released.State);
        Assert.Equal("Released", Assert.Single(released.Events).Trigger);
        Assert.Empty(released.PendingCleanups);
        Assert.NotNull(released.Intent);
        Assert.NotNull(released.Failure);
    }

    [Fact]
    public void A_rerouted_launch_confirms_the_cleanup_of_its_attempt_before_without_an_event()
    {
        var failed = Fail(Begin(Created(), 1, 1).Next!, 2).Next!;
        var again = Begin(failed, 1, 2).Next!;
        var owed = Assert.Single(again.PendingCleanups);

        var paid = InstanceDecisions.ConfirmCleanup(again, [owed], At(4)).Next!;

        Assert.Equal(InstanceState.Provisioning, paid.State);
        Assert.Empty(paid.PendingCleanups);
        Assert.Empty(paid.Events);
    }

    [Fact]
    public void The_end_of_a_run_replaces_its_own_settlement_and_keeps_all_other_cleanup()
    {
        PendingCleanup[] owed =
        [
            new PendingCleanup
            {
                Kind = CleanupKind.Settle,
                Run = 1,
                PricePerHour = Make.Euros(9),
            },
            new PendingCleanup { Kind = CleanupKind.Settle, Run = 7 },
            new PendingCleanup
            {
                Kind = CleanupKind.Release,
                Run = 1,
                Key = new AllocationKey("other"),
            },
        ];
        var failed = Fail(Running() with { PendingCleanups = [.. owed] }, 4).Next!;
        Assert.Equal([owed[1], owed[2]], failed.PendingCleanups[..2]);
        Assert.Equal(
            [CleanupKind.Release, CleanupKind.Settle],
            failed.PendingCleanups[2..].Select(cleanup => cleanup.Kind)
        );
        Assert.Equal((1, Make.CheapestPrice), (failed.PendingCleanups[3].Run, failed.PendingCleanups[3].PricePerHour));
    }

    [Fact]
    public void A_change_without_a_transition_keeps_the_state_and_its_request()
    {
        var made = Created();
        var changed = InstanceDecisions.Change(made, next => next with { Firewall = "f" }, At(1)).Next!;
        Assert.Equal(("f", made.RequestId, made.StateSince), (changed.Firewall, changed.RequestId, changed.StateSince));
        Assert.Equal((made.Generation + 1, Noon.AddMinutes(1)), (changed.Generation, changed.UpdatedAt));
        Assert.Equal(made.LastSequence, changed.LastSequence);
        Assert.Empty(changed.Events);
    }

    [Fact]
    public void A_run_never_ends_before_it_began()
    {
        var running = Running();
        var failed = Fail(running with { RunningSince = Noon.AddMinutes(9) }, 4).Next!;
        Assert.Equal(Noon.AddMinutes(9), failed.RunningUntil);
        Assert.Equal(Noon.AddMinutes(9), failed.PendingCleanups[1].RunningUntil);
        Assert.Equal(Noon.AddMinutes(4), failed.Failure!.FailedAt);
    }

    [Theory]
    [InlineData(10, 10)]
    [InlineData(29, 29)]
    [InlineData(30, 30)]
    [InlineData(31, 30)]
    public void Work_is_checked_at_its_deadline_or_after_the_backstop(int deadline, int wake)
    {
        var begun = Begin(Created(), 1, 1, TimeSpan.FromSeconds(deadline)).Next!;
        Assert.Equal(Noon.AddMinutes(1).AddSeconds(wake), begun.WakeAt);
        var starting = InstanceDecisions.Allocate(
            begun,
            new Allocation(),
            Noon.AddMinutes(2).AddSeconds(deadline),
            At(2)
        );
        Assert.Equal(Noon.AddMinutes(2).AddSeconds(wake), starting.Next!.WakeAt);
    }

    [Fact]
    public void The_meter_is_checked_once_after_the_start_and_cleanup_until_it_is_confirmed()
    {
        var running = Running();
        Assert.Equal(Noon.AddMinutes(3) + InstanceDeadlines.MeterBackstop, running.WakeAt);
        var failed = Fail(running, 4).Next!;
        Assert.Equal(Noon.AddMinutes(4) + InstanceDeadlines.WorkBackstop, failed.WakeAt);
        Assert.Null(InstanceDecisions.ConfirmCleanup(failed, failed.PendingCleanups, At(5)).Next!.WakeAt);
    }

    [Fact]
    public void A_route_that_failed_is_avoided_once_until_the_later_time()
    {
        var record = Created() with
        {
            AvoidedRoutes =
            [
                new AvoidedRoute(Make.Offer().Route, Noon),
                new AvoidedRoute(Make.Offer(region: "r").Route, Noon),
            ],
        };
        var avoid = new AvoidedRoute(Make.Offer().Route, Noon.AddHours(1));

        var failed = InstanceDecisions
            .Fail(Begin(record, 1, 1).Next!, InstanceTrigger.DeadlinePassed, Described(), avoid, At(2))
            .Next!;

        Assert.Equal([record.AvoidedRoutes[1], avoid], failed.AvoidedRoutes);
        Assert.Equal(record.AvoidedRoutes, Fail(Begin(record, 1, 1).Next!, 2).Next!.AvoidedRoutes);
    }

    [Fact]
    public void Exactly_the_commands_and_routes_that_are_kept_fit()
    {
        var record = Created();
        Assert.Same(record, record.Remember("Start", null));
        for (var i = 0; i < InstanceDecisions.HandledCommandsKept; i++)
        {
            record = record.Remember("Start", $"r-{i}");
        }

        Assert.True(record.WasHandled("Start", "r-0"));
        Assert.False(record.Remember("Start", "more").WasHandled("Start", "r-0"));

        record = record with
        {
            AvoidedRoutes =
            [
                .. Enumerable
                    .Range(1, InstanceDecisions.AvoidedRoutesKept - 1)
                    .Select(i => new AvoidedRoute(Make.Offer(region: $"r-{i}").Route, Noon)),
            ],
        };
        for (var i = 0; i < 2; i++)
        {
            var avoid = new AvoidedRoute(Make.Offer(region: $"new-{i}").Route, Noon);
            record = InstanceDecisions
                .Fail(Begin(record, i + 1, 1).Next!, InstanceTrigger.DeadlinePassed, Described(), avoid, At(2))
                .Next!;
            Assert.Equal(i == 0 ? "r-1" : "r-2", record.AvoidedRoutes[0].Route.Region);
            Assert.Equal(InstanceDecisions.AvoidedRoutesKept, record.AvoidedRoutes.Length);
        }
    }

    [Fact]
    public void Two_decisions_are_one_write_with_the_events_of_both()
    {
        var both = Begin(Created(), 1, 1).And(next => InstanceDecisions.Allocate(next, new Allocation(), Noon, At(1)));

        Assert.Equal((InstanceState.Stopped, null), (both.State, both.Why));
        Assert.Equal(2, both.Next!.Generation);
        Assert.Equal(["Start", "OfferChosen", "Allocated"], both.Next.Events.Select(happened => happened.Trigger));
        Assert.Equal([2L, 3L, 4L], both.Next.Events.Select(happened => happened.Sequence));
        Assert.Equal((4L, InstanceState.Starting), (both.Next.LastSequence, both.Next.State));

        var refused = InstanceDecisions.BecomeReady(Created(), new Allocation(), At(1));
        Assert.Same(refused, refused.And(_ => throw new InvalidOperationException()));
        Assert.Equal("Ready is not possible while the instance is stopped.", refused.Why);
        Assert.Equal([InstanceTrigger.Start, InstanceTrigger.Delete], refused.Allowed);
    }

    [Fact]
    public void The_first_forbidden_transition_of_a_write_is_the_one_that_is_named()
    {
        var refused = Begin(Running(), 2, 1);
        Assert.Equal("Start is not possible while the instance is running.", refused.Why);
    }

    [Theory]
    [InlineData(InstanceState.Checking, "is being launched")]
    [InlineData(InstanceState.Provisioning, "is being launched")]
    [InlineData(InstanceState.Starting, "is being launched")]
    [InlineData(InstanceState.Waiting, "waits for capacity")]
    [InlineData(InstanceState.Stopping, "being stopped")]
    [InlineData(InstanceState.Failed, "hint of its failure")]
    [InlineData(InstanceState.Stopped, "Start instances/i-1.")]
    [InlineData(InstanceState.Deleted, "Start instances/i-1.")]
    public void A_request_to_an_instance_that_does_not_run_gets_the_next_step(InstanceState state, string hint) =>
        Assert.Contains(
            hint,
            FailureCatalogue.Describe(new NotRunningFacts(new InstanceId("i-1"), "m", state)).Hint,
            StringComparison.Ordinal
        );

    [Fact]
    public void A_request_whose_run_ended_waits_for_the_next_run_or_gets_the_remedy()
    {
        var facts = new RunEndedFacts(FailureCode.Preempted, "gone", "m", IsComingBack: true);
        Assert.Contains(
            "is being started on another route",
            FailureCatalogue.Describe(facts).Hint,
            StringComparison.Ordinal
        );
        Assert.Equal(
            FailureCatalogue.Definition(FailureCode.Preempted).Remedy,
            FailureCatalogue.Describe(facts with { IsComingBack = false }).Hint
        );
    }

    private static InstanceRecord Running()
    {
        var starting = InstanceDecisions
            .Allocate(Begin(Created(), 1, 1).Next!, new Allocation(), Noon.AddMinutes(20), At(2))
            .Next!;
        return InstanceDecisions.BecomeReady(starting, new Allocation(), At(3)).Next!;
    }

    private static InstanceRecord Created() =>
        InstanceDecisions.Create(
            new InstanceRecord { Id = new InstanceId("i-1"), Account = Make.Account() },
            new Cause(Noon, new RequestId("req-1"), "key:a")
        );

    private static InstanceDecision Begin(InstanceRecord record, int run, int attempt, TimeSpan? wait = null) =>
        InstanceDecisions.Begin(
            record,
            new AllocationIntent
            {
                Key = new AllocationKey($"i-1-r{run}-a{attempt}"),
                Offer = Make.Offer(),
                PriceSnapshot = Make.CheapestPrice,
                Hold = Make.CheapestPrice,
                AllocationDeadline = Noon.AddMinutes(1) + (wait ?? TimeSpan.FromMinutes(5)),
                Why = "cheapest",
                Model = Make.Model,
            },
            run,
            attempt,
            At(1)
        );

    private static InstanceDecision Fail(InstanceRecord record, int minute) =>
        InstanceDecisions.Fail(
            record,
            record.State == InstanceState.Running ? InstanceTrigger.RuntimeExited : InstanceTrigger.DeadlinePassed,
            Described(),
            null,
            At(minute)
        );

    private static Failure Described() => FailureCatalogue.Describe(new AnyFacts());

    private static Cause At(int minute) => new(Noon.AddMinutes(minute), new RequestId("req-2"), "scheduler");

    private sealed record AnyFacts() : FailureFacts(FailureCode.RuntimeExited);
}
