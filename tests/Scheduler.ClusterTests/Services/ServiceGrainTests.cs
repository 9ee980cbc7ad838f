using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Services;
using Scheduler.Grains;
using Scheduler.TestKit;
using Xunit;
using static Scheduler.ClusterTests.Services.ServiceWorld;

namespace Scheduler.ClusterTests.Services;

public sealed class ServiceGrainTests
{
    [Fact]
    public async Task A_service_keeps_its_replicas_bills_them_like_instances_and_leaves_nothing_when_deleted()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var service = new ServiceWorld(scheduler, await scheduler.AccountAsync());
        await service.CreateAsync(Spec(least: 2));
        var settled = await service.SettledAsync(2);
        Assert.Equal(["chat-r1-1", "chat-r1-2"], settled.Replicas.Select(replica => replica.ServingName));
        Assert.Equal("WantedMet", settled.Conditions.Single(c => c.Type == ServiceConditionType.Ready).Reason);
        Assert.All(
            await service.InstancesAsync(),
            one => Assert.Equal((service.Id.Value, "1"), (one.Labels["service"], one.Labels["revision"]))
        );

        await scheduler.PassAsync(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(5));
        await service.DeleteAsync();
        await service.GoneAsync();

        Assert.All(await service.InstancesAsync(), one => Assert.Equal(InstanceState.Deleted, one.State));
        Assert.Empty(scheduler.Cloud.Held);
        var usage = (await scheduler.LedgerAsync(service.Account)).Where(e => e.Kind == LedgerEntryKind.Usage).ToList();
        Assert.Equal(2, usage.Select(entry => entry.Instance).Distinct().Count());
        Assert.All(usage, entry => Assert.InRange(entry.Seconds, 60, 90));
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_lost_replica_is_started_again()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var service = new ServiceWorld(scheduler, await scheduler.AccountAsync());
        await service.CreateAsync(Spec(least: 2));
        var settled = await service.SettledAsync(2);
        var lost = await scheduler.SeeAsync(settled.Replicas[0].Instance);
        scheduler.Cloud.Preempt(lost.Intent!.Key);

        await service.UntilAsync(record => record.Ready == 1, "the loss is noticed");
        await service.SettledAsync(2);
        Assert.Equal(2, (await scheduler.SeeAsync(lost.Id)).Run);
        Assert.Contains(
            await service.EventsAsync(),
            text => text.StartsWith("ReplicaFailed: chat-r1-1", StringComparison.Ordinal)
        );
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task Held_requests_start_the_first_replica_load_adds_more_and_the_calm_removes_all()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var service = new ServiceWorld(scheduler, await scheduler.AccountAsync());
        var created = await service.CreateAsync(
            Spec(least: 0, most: 3) with
            {
                Scaling = new ScalingSettings
                {
                    TargetOutstanding = 2,
                    DownWindow = TimeSpan.FromSeconds(20),
                    IdleToZero = TimeSpan.FromSeconds(30),
                },
            }
        );
        Assert.Empty(created.Replicas);
        Assert.Equal("ScaledToZero", created.Conditions.Single(c => c.Type == ServiceConditionType.Ready).Reason);

        await service.LoadAsync(0, held: 1, seconds: 2);
        await service.SettledAsync(1);
        await service.LoadAsync(9, held: 0, seconds: 5);
        var grown = await service.SettledAsync(3);
        Assert.Equal(ScalingLimit.Max, grown.Scaling.Limit);
        // The load is an average, which reaches 9 after some seconds.
        Assert.InRange(grown.Scaling.Asked, 4, 5);
        Assert.True(grown.Has(ServiceConditionType.ScalingLimited));

        var empty = await service.SettledAsync(0);
        Assert.Equal(0, empty.Scaling.Wanted);
        Assert.Contains(
            await service.EventsAsync(),
            text => text.StartsWith("Wanted: 0 → 1: load 1 of which 1 held", StringComparison.Ordinal)
        );
        Assert.Empty(scheduler.Cloud.Held);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_changed_template_rolls_out_without_fewer_ready_replicas_than_wanted()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var service = new ServiceWorld(scheduler, await scheduler.AccountAsync());
        await service.CreateAsync(Spec(least: 3));
        await service.SettledAsync(3);

        await service.UpdateAsync(spec => spec with { Template = spec.Template with { ContextTokens = 4096 } });
        var fewest = int.MaxValue;
        var most = 0;
        var rolled = await service.UntilAsync(
            record =>
            {
                fewest = Math.Min(fewest, record.Ready);
                most = Math.Max(most, record.Staying.Count());
                return record.Replicas.Length == 3 && record.Replicas.All(one => one.Revision == 2 && one.IsReady);
            },
            "the update is complete"
        );

        Assert.Equal((3, 4), (fewest, most));
        Assert.Equal((2L, 2), (rolled.Generation, rolled.Revision));
        Assert.False(rolled.Has(ServiceConditionType.Progressing));
        foreach (var replica in rolled.Replicas)
        {
            Assert.Equal(4096, (await scheduler.SeeAsync(replica.Instance)).Spec.ContextTokens);
        }

        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_revision_that_cannot_start_is_rolled_back_while_the_earlier_one_serves()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var service = new ServiceWorld(scheduler, await scheduler.AccountAsync());
        await service.CreateAsync(Spec(least: 2));
        var before = await service.SettledAsync(2);
        scheduler.Cloud.AnswerFor = _ => AllocateAnswer.SucceedBooting;
        await service.UpdateAsync(spec => spec with { Template = spec.Template with { ContextTokens = 4096 } });
        var starting = await service.UntilAsync(
            record => record.Replicas.Any(one => one is { Revision: 2, Seen.State: InstanceState.Starting }),
            "the new revision starts"
        );
        var key = (await scheduler.SeeAsync(starting.Replicas.Single(one => one.Revision == 2).Instance)).Intent!.Key;
        scheduler.Cloud.Exit(
            key,
            new Domain.Runtimes.RuntimeExit { ExitCode = 1, OutputTail = "torch.OutOfMemoryError: CUDA out of memory" }
        );

        var back = await service.SettledAsync(2);
        Assert.Equal(before.Replicas.Select(one => one.Instance), back.Replicas.Select(one => one.Instance));
        Assert.Equal((1, 2, 3L), (back.Revision, back.LastRevision, back.Generation));
        Assert.Equal(before.Spec.Template.ContextTokens, back.Spec.Template.ContextTokens);
        var progressing = back.Conditions.Single(c => c.Type == ServiceConditionType.Progressing);
        Assert.Equal((false, "RolledBack"), (progressing.Status, progressing.Reason));
        Assert.Contains("OOM_KILLED", progressing.Message, StringComparison.Ordinal);
        Assert.Contains(
            await service.EventsAsync(),
            text => text.StartsWith("RolledBack: from revision 2 to revision 1: OOM_KILLED", StringComparison.Ordinal)
        );
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_rollback_by_a_caller_returns_to_the_revision_before()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var service = new ServiceWorld(scheduler, await scheduler.AccountAsync());
        await service.CreateAsync(Spec(least: 1));
        await service.SettledAsync(1);
        Assert.Equal(
            RefusalKind.WrongState,
            (await service.Grain.RollbackAsync(null, scheduler.As(service.Account))).Refusal!.Kind
        );
        await service.UpdateAsync(spec => spec with { Template = spec.Template with { ContextTokens = 4096 } });
        await service.SettledAsync(1);

        await service.Grain.RollbackAsync(null, scheduler.As(service.Account));
        var back = await service.SettledAsync(1);
        Assert.Equal(
            (1, Make.Spec().ContextTokens),
            (back.Revision, (await scheduler.SeeAsync(back.Replicas[0].Instance)).Spec.ContextTokens)
        );
    }

    [Fact]
    public async Task A_paused_service_changes_nothing_until_it_is_resumed()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var service = new ServiceWorld(scheduler, await scheduler.AccountAsync());
        await service.CreateAsync(Spec(least: 1, most: 4));
        await service.SettledAsync(1);
        await service.Grain.PauseAsync(true, scheduler.As(service.Account));
        await service.LoadAsync(100, 0, seconds: 5);
        Assert.Equal((1, 1), ((await service.SeeAsync()).Replicas.Length, (await service.SeeAsync()).Scaling.Wanted));

        await service.Grain.PauseAsync(false, scheduler.As(service.Account));
        await service.LoadAsync(100, 0, seconds: 5);
        await service.SettledAsync(4);
    }

    [Fact]
    public async Task The_budget_an_hour_limits_the_replicas_and_their_price()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var service = new ServiceWorld(scheduler, await scheduler.AccountAsync());
        await service.CreateAsync(
            Spec(least: 3) with
            {
                Budget = new ServiceBudget { MaxPricePerHour = Make.Euros(2.5m) },
            }
        );
        var settled = await service.SettledAsync(2);
        Assert.Equal(ScalingLimit.Budget, settled.Scaling.Limit);
        Assert.Equal("Budget", settled.Conditions.Single(c => c.Type == ServiceConditionType.ScalingLimited).Reason);
        Assert.Equal(Make.Euros(2.4m), ServiceSpending.BurnPerHour(settled));

        // No room for a surge: one leaves before its successor starts, and the sum of prices stays within the budget.
        await service.UpdateAsync(spec => spec with { Template = spec.Template with { ContextTokens = 4096 } });
        await service.UntilAsync(
            record =>
            {
                Assert.InRange(ServiceSpending.BurnPerHour(record).Value, 0, Make.Euros(2.5m).Value);
                return record.Ready == 2
                    && record.Replicas.Length == 2
                    && record.Replicas.All(one => one.Revision == 2);
            },
            "the update is complete"
        );
    }

    [Fact]
    public async Task Once_the_budget_of_the_day_is_spent_no_replica_is_left_until_the_next_day()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var service = new ServiceWorld(scheduler, await scheduler.AccountAsync());
        await service.CreateAsync(Spec(least: 1) with { Budget = new ServiceBudget { MaxPerDay = Make.Euros(1) } });
        await service.SettledAsync(1);
        // 1.20 EUR an hour are 1 EUR in 50 minutes; a stop needs at most 70 s.
        await scheduler.PassAsync(TimeSpan.FromSeconds(2900), TimeSpan.FromSeconds(20));
        Assert.Equal(1, (await service.SeeAsync()).Scaling.Wanted);
        // Small steps, so that the clock does not run ahead of a slow machine.
        var spent = await service.UntilAsync(
            record => record.Replicas.IsEmpty,
            "no replica is left",
            TimeSpan.FromMilliseconds(100)
        );
        Assert.Equal("Budget", spent.Conditions.Single(c => c.Type == ServiceConditionType.Ready).Reason);
        var cost = -(await scheduler.LedgerAsync(service.Account))
            .Where(entry => entry.Kind == LedgerEntryKind.Usage)
            .Sum(entry => entry.Amount.Value);
        Assert.InRange(cost, 960_000, 1_000_000);

        scheduler.Clock.Advance(TimeSpan.FromHours(12));
        await service.SettledAsync(1);
    }

    [Fact]
    public async Task A_launch_without_money_answers_held_requests_and_continues_after_a_top_up()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync(euros: 0);
        var service = new ServiceWorld(scheduler, account);
        await service.CreateAsync(Spec(least: 1));
        var failed = await service.UntilAsync(record => record.Failure is not null, "the failure is known");
        Assert.Equal(FailureCode.BillingBelowMinimum, failed.Failure!.Failure.Code);
        var serving = TestScheduler.Good(await service.Grain.ServingAsync(account));
        Assert.Equal(FailureCode.BillingBelowMinimum, serving.Failure!.Failure.Code);
        Assert.Contains("BILLING_BELOW_MINIMUM", serving.WaitsFor, StringComparison.Ordinal);

        await scheduler.TopUpAsync(account, Make.Euros(50), "more");
        var settled = await service.SettledAsync(1);
        Assert.Null(settled.Failure);
    }

    [Fact]
    public async Task Bad_specs_are_refused_with_all_faults_at_once()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var service = new ServiceWorld(scheduler, await scheduler.AccountAsync());
        var answer = await service.TryCreateAsync(
            Spec(least: 5, most: 3) with
            {
                Template = Make.Spec() with { Model = "no/such" },
                Scaling = new ScalingSettings { TargetOutstanding = 0 },
                Firewall = "none",
            }
        );
        Assert.Equal(
            [
                "spec.max_replicas",
                "spec.scaling.target_outstanding_per_replica",
                "spec.firewall",
                "spec.template.model",
            ],
            answer.Refusal!.Faults.Select(fault => fault.Field)
        );

        answer = await service.TryCreateAsync(
            Spec() with
            {
                Template = Make.Spec() with { Model = "meta-llama/Llama-3.1-405B", ContextTokens = 100_000 },
            }
        );
        Assert.Equal(RefusalKind.Invalid, answer.Refusal!.Kind);

        answer = await service.TryCreateAsync(
            Spec() with
            {
                Budget = new ServiceBudget { MaxPricePerHour = Make.Euros(1) },
            }
        );
        var fault = Assert.Single(answer.Refusal!.Faults);
        Assert.Equal("spec.budget.max_price_per_hour_micro_eur", fault.Field);
        Assert.Contains("one replica costs at least 1200000 (1.20 EUR)", fault.Description, StringComparison.Ordinal);
    }

    [Fact]
    public async Task INV_08_and_INV_11_another_account_sees_nothing_and_names_are_shared_with_instances()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var service = new ServiceWorld(scheduler, await scheduler.AccountAsync());
        var other = await scheduler.AccountAsync("b");
        await service.CreateAsync(Spec(least: 0));
        Assert.Equal(RefusalKind.NotFound, (await service.Grain.GetAsync(other)).Refusal!.Kind);
        Assert.Equal(RefusalKind.NotFound, (await service.Grain.DeleteAsync(scheduler.As(other))).Refusal!.Kind);
        Assert.Equal(RefusalKind.NotFound, (await service.Grain.ServingAsync(other)).Refusal!.Kind);
        var taken = await scheduler.TryCreateAsync(service.Account, scheduler.NewInstanceId(), name: "chat");
        Assert.Equal(RefusalKind.AlreadyExists, taken.Refusal!.Kind);

        await service.DeleteAsync();
        await service.GoneAsync();
        TestScheduler.Good(await scheduler.TryCreateAsync(service.Account, scheduler.NewInstanceId(), name: "chat"));
    }

    [Fact]
    public async Task An_explanation_names_what_each_missing_replica_found_and_what_changes_the_number()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s => s.Options.Providers.BreakerFailures = 1000);
        var service = new ServiceWorld(scheduler, await scheduler.AccountAsync());
        scheduler.Cloud.AnswerFor = _ => AllocateAnswer.Reject(Domain.Providers.RejectionKind.OutOfStock, "sold out");
        await service.CreateAsync(Spec(least: 1));
        await service.UntilAsync(record => record.Staying.Any(one => one.Seen?.Failure is not null), "it failed");
        var explained = TestScheduler.Good(await service.Grain.ExplainAsync(null));
        var missing = Assert.Single(explained.Missing);
        Assert.Equal(FailureCode.ProviderRejected, missing.Failure!.Code);
        Assert.NotNull(explained.Launch);
        Assert.Contains(explained.Scaling, text => text.Contains("max_replicas is 1", StringComparison.Ordinal));
        var degraded = await service.UntilAsync(
            record => record.Has(ServiceConditionType.Degraded),
            "it is degraded after a minute"
        );
        var condition = degraded.Conditions.Single(c => c.Type == ServiceConditionType.Degraded);
        Assert.Equal("ReplicasFail", condition.Reason);
        Assert.Contains("PROVIDER_REJECTED × 1", condition.Message, StringComparison.Ordinal);
        Assert.Equal(
            "NoCapacity",
            degraded.Conditions.Single(c => c.Type == ServiceConditionType.ScalingLimited).Reason
        );

        // A changed spec does not wait for the pause after the failures.
        scheduler.Cloud.AnswerFor = null;
        var before = scheduler.Clock.GetUtcNow();
        await service.UpdateAsync(spec => spec with { MaxReplicas = 2 });
        await service.SettledAsync(1);
        Assert.InRange(scheduler.Clock.GetUtcNow() - before, TimeSpan.Zero, TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task INV_03_a_restart_of_all_silos_in_the_middle_of_scaling_loses_and_doubles_no_replica()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var service = new ServiceWorld(scheduler, await scheduler.AccountAsync());
        scheduler.Cloud.AnswerFor = _ => AllocateAnswer.SucceedBooting;
        await service.CreateAsync(Spec(least: 3));
        await service.UntilAsync(record => record.Replicas.Any(one => one.Seen is not null), "one is created");
        await scheduler.CrashAndRestartAsync();
        scheduler.Cloud.AnswerFor = null;
        await MakeReadyAsync(scheduler, service);
        await service.SettledAsync(3);
        Assert.Equal(3, (await service.InstancesAsync()).Length);
        Assert.Equal(3, scheduler.Cloud.Held.Length);

        await service.DeleteAsync();
        await scheduler.CrashAndRestartAsync();
        await service.GoneAsync();
        Assert.Empty(scheduler.Cloud.Held);
        await scheduler.SoundAsync();
    }

    private static async Task MakeReadyAsync(TestScheduler scheduler, ServiceWorld service) =>
        await service.UntilAsync(
            record =>
            {
                foreach (
                    var held in scheduler.Cloud.Held.Where(held =>
                        held.Status == Domain.Providers.AllocationStatus.Booting
                    )
                )
                {
                    scheduler.Cloud.BecomeReady(held.Key);
                }

                return record.Ready == record.Scaling.Wanted;
            },
            "all are ready"
        );
}
