using Scheduler.Domain.Balancers;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Grains;
using Scheduler.Grains.Balancers;
using Scheduler.TestKit;
using Xunit;
using static Scheduler.TestKit.TestScheduler;

namespace Scheduler.ClusterTests.Balancers;

public sealed class BalancerGrainTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task INV_11_instances_and_balancers_share_names_and_deletion_frees_a_name()
    {
        await using var scheduler = await DeployAsync();
        var account = await scheduler.AccountAsync();
        var chat = await scheduler.CreateAsync(account, name: "chat");
        var target = await scheduler.CreateAsync(account, name: "target");

        Assert.Equal(RefusalKind.AlreadyExists, (await CreateAsync(scheduler, account, "bal-a", "chat")).Refusal!.Kind);
        Good(await CreateAsync(scheduler, account, "bal-b", "front"));
        Assert.Equal(
            RefusalKind.AlreadyExists,
            (await CreateAsync(scheduler, account, "bal-c", "front")).Refusal!.Kind
        );
        var other = await scheduler.TryCreateAsync(account, scheduler.NewInstanceId(), name: "front");
        Assert.Equal(RefusalKind.AlreadyExists, other.Refusal!.Kind);

        Good(await scheduler.DeleteAsync(chat));
        Good(await CreateAsync(scheduler, account, "bal-d", "chat"));
        Good(await Of(scheduler, "bal-b").DeleteAsync(scheduler.As(account)));
        Good(await scheduler.TryCreateAsync(account, scheduler.NewInstanceId(), name: "front"));
        Assert.Equal("target", (await scheduler.SeeAsync(target)).ServingName);
    }

    [Fact]
    public async Task INV_11_an_unfinished_create_does_not_block_its_name()
    {
        await using var scheduler = await DeployAsync();
        var account = await scheduler.AccountAsync();
        await scheduler.CreateAsync(account, name: "target");
        scheduler.Faults.FailWrite("balancer", FaultMoment.Before);
        await Assert.ThrowsAnyAsync<Exception>(() => CreateAsync(scheduler, account, "bal-a", "front"));

        // A name claim is valid for a minute, because the create may still be in progress.
        Assert.Equal(
            RefusalKind.AlreadyExists,
            (await CreateAsync(scheduler, account, "bal-b", "front")).Refusal!.Kind
        );
        scheduler.Clock.Advance(TimeSpan.FromMinutes(2));
        Good(await CreateAsync(scheduler, account, "bal-b", "front"));
    }

    [Fact]
    public async Task INV_11_concurrent_creates_of_one_name_on_two_silos_have_one_winner()
    {
        await using var scheduler = await DeployAsync(_ => { }, silos: 2);
        var account = await scheduler.AccountAsync();
        await scheduler.CreateAsync(account, name: "target");
        var wanted = Enumerable.Range(0, 12).Select(i => $"bal-{(char)('a' + i)}").ToList();
        var answers = await Task.WhenAll(wanted.Select(id => CreateAsync(scheduler, account, id, "front")));

        Assert.Single(answers, answer => answer.IsOk);
        Assert.All(
            answers.Where(answer => !answer.IsOk),
            answer => Assert.Equal(RefusalKind.AlreadyExists, answer.Refusal!.Kind)
        );
        var listed = await scheduler.Grains.Fleet().ListBalancersAsync(account, "", 100);
        Assert.Equal(answers.Single(answer => answer.IsOk).Value!.Id, Assert.Single(listed).Id);
    }

    [Fact]
    public async Task All_unknown_instance_names_are_reported_together_and_nothing_is_saved()
    {
        await using var scheduler = await DeployAsync();
        var account = await scheduler.AccountAsync();
        await scheduler.CreateAsync(account, name: "target");
        Good(await CreateAsync(scheduler, account, "bal-a", "front"));
        var spec = Spec("front") with
        {
            RoutingMode = RoutingMode.IntentClassifier,
            Groups = [new TargetGroup { Name = "g", Members = [new("target", 1), new("nobody", 1)] }],
            Router = new RouterModel("oracle", TimeSpan.FromSeconds(1)),
            Firewall = "no-such",
        };

        var refusal = (await CreateAsync(scheduler, account, "bal-b", "second", spec)).Refusal!;

        Assert.Equal(RefusalKind.Invalid, refusal.Kind);
        Assert.Equal(
            [
                "spec.routes[0].instance",
                "spec.target_groups[0].members[1].instance",
                "spec.router.instance",
                "spec.firewall",
            ],
            refusal.Faults.Select(fault => fault.Field)
        );
        Assert.Contains("is a balancer", refusal.Faults[0].Description, StringComparison.Ordinal);
        Assert.Equal(1, scheduler.Faults.Writes("balancer"));
        Assert.Null(await scheduler.Grains.ServingName(account, "second").HolderAsync());
    }

    [Fact]
    public async Task A_repeated_create_returns_the_same_balancer_and_a_different_create_is_refused()
    {
        await using var scheduler = await DeployAsync();
        var account = await scheduler.AccountAsync();
        await scheduler.CreateAsync(account, name: "target");
        var first = Good(await CreateAsync(scheduler, account, "bal-a", "front"));
        var again = Good(await CreateAsync(scheduler, account, "bal-a", "front"));
        Assert.Equal((1, 1), (first.Generation, again.Generation));
        Assert.Equal(
            RefusalKind.AlreadyExists,
            (await CreateAsync(scheduler, account, "bal-a", "elsewhere")).Refusal!.Kind
        );

        Good(await Of(scheduler, "bal-a").DeleteAsync(scheduler.As(account)));
        Good(await Of(scheduler, "bal-a").DeleteAsync(scheduler.As(account)));
        Assert.NotNull(Good(await CreateAsync(scheduler, account, "bal-a", "front")).DeletedAt);
        Assert.Empty(await scheduler.Grains.Fleet().ListBalancersAsync(account, "", 100));
        Assert.Equal(
            RefusalKind.WrongState,
            (await Of(scheduler, "bal-a").UpdateAsync(new UpdateBalancer(Spec("target")), scheduler.As(account)))
                .Refusal!
                .Kind
        );
    }

    [Fact]
    public async Task A_watcher_receives_a_change_at_once_and_the_timeline_records_it()
    {
        await using var scheduler = await DeployAsync();
        var account = await scheduler.AccountAsync();
        await scheduler.CreateAsync(account, name: "target");
        var first = Good(await CreateAsync(scheduler, account, "bal-a", "front"));
        var waiting = Of(scheduler, "bal-a").WaitForChangeAsync(account, first.Generation, Ct);
        var guarded = await Of(scheduler, "bal-a")
            .UpdateAsync(new UpdateBalancer(Spec("target"), IfGeneration: 7), scheduler.As(account));
        Assert.Equal(RefusalKind.WrongState, guarded.Refusal!.Kind);
        Assert.False(waiting.IsCompleted);

        var changed = Spec("target") with { Health = new HealthSettings { ConsecutiveFailures = 9 } };
        Good(await Of(scheduler, "bal-a").UpdateAsync(new UpdateBalancer(changed, 1), scheduler.As(account)));

        var heard = Good(await waiting.WaitAsync(TimeSpan.FromSeconds(10), TimeProvider.System, Ct));
        Assert.Equal((2, 9), (heard.Generation, heard.Spec.Health.ConsecutiveFailures));
        await scheduler.CrashAndRestartAsync();
        var timeline = Good(await Of(scheduler, "bal-a").TimelineAsync(account, 0, 100));
        Assert.Equal(["Create", "Update"], timeline.Events.Select(e => e.Trigger));
        Assert.Equal([1L, 2L], timeline.Events.Select(e => e.Sequence));
        Assert.Equal(9, Good(await Of(scheduler, "bal-a").GetAsync(account)).Spec.Health.ConsecutiveFailures);
    }

    [Fact]
    public async Task An_invalid_update_is_refused_with_all_validation_errors()
    {
        await using var scheduler = await DeployAsync();
        var account = await scheduler.AccountAsync();
        await scheduler.CreateAsync(account, name: "target");
        Good(await CreateAsync(scheduler, account, "bal-a", "front"));
        var refusal = (
            await Of(scheduler, "bal-a").UpdateAsync(new UpdateBalancer(Spec("front")), scheduler.As(account))
        ).Refusal!;
        Assert.Equal(["spec.routes[0].instance"], refusal.Faults.Select(fault => fault.Field));
    }

    [Fact]
    public async Task INV_08_a_balancer_of_another_account_reads_as_not_found()
    {
        await using var scheduler = await DeployAsync();
        var (account, otherAccount) = (await scheduler.AccountAsync(), await scheduler.AccountAsync("b"));
        await scheduler.CreateAsync(account, name: "target");
        Good(await CreateAsync(scheduler, account, "bal-a", "front"));
        var balancer = Of(scheduler, "bal-a");
        var refusals = new[]
        {
            (await balancer.GetAsync(otherAccount)).Refusal,
            (await balancer.DetailAsync(otherAccount)).Refusal,
            (await balancer.TimelineAsync(otherAccount, 0, 10)).Refusal,
            (await balancer.WaitForChangeAsync(otherAccount, 1, Ct)).Refusal,
            (await balancer.UpdateAsync(new UpdateBalancer(Spec("target")), scheduler.As(otherAccount))).Refusal,
            (await balancer.DeleteAsync(scheduler.As(otherAccount))).Refusal,
        };
        Assert.All(refusals, refusal => Assert.Equal(RefusalKind.NotFound, refusal!.Kind));
        Assert.Empty(await scheduler.Grains.Fleet().ListBalancersAsync(otherAccount, "", 10));

        // Names are separate per account.
        await scheduler.CreateAsync(otherAccount, name: "front");
        Good(await CreateAsync(scheduler, otherAccount, "bal-b", "target", Spec("front")));
    }

    [Fact]
    public async Task Gateway_reports_are_shown_and_expire()
    {
        await using var scheduler = await DeployAsync();
        var account = await scheduler.AccountAsync();
        await scheduler.CreateAsync(account, name: "target");
        Good(await CreateAsync(scheduler, account, "bal-a", "front"));
        var balancer = Of(scheduler, "bal-a");
        for (var i = 0; i < 30; i++)
        {
            await balancer.ObserveAsync(Report("door-a", i, 2));
        }

        await balancer.ObserveAsync(Report("door-b", 31, 0));
        var detail = await Eventually.UntilAsync(
            async () => Good(await balancer.DetailAsync(account)),
            seen => seen.Gateways.Length == 2,
            "both gateway reports have arrived"
        );
        Assert.Equal(["door-a", "door-b"], detail.Gateways.Select(gateway => gateway.Gateway));
        Assert.Equal(50, detail.Failures.Length);
        Assert.Equal("req-29", detail.Failures[0].RequestId.Value);

        scheduler.Clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Empty(Good(await balancer.DetailAsync(account)).Gateways);
    }

    [Fact]
    public async Task A_list_skips_tombstones_and_continues_page_by_page()
    {
        await using var scheduler = await DeployAsync();
        var account = await scheduler.AccountAsync();
        await scheduler.CreateAsync(account, name: "target");
        foreach (var letter in "abcdefgh")
        {
            Good(await CreateAsync(scheduler, account, $"bal-{letter}", $"front-{letter}"));
        }

        foreach (var letter in "bcdh")
        {
            Good(await Of(scheduler, $"bal-{letter}").DeleteAsync(scheduler.As(account)));
        }

        var first = await scheduler.Grains.Fleet().ListBalancersAsync(account, "", 2);
        var second = await scheduler.Grains.Fleet().ListBalancersAsync(account, first[^1].Id.Value, 2);
        Assert.Equal(["bal-a", "bal-e"], first.Select(balancer => balancer.Id.Value));
        Assert.Equal(["bal-f", "bal-g"], second.Select(balancer => balancer.Id.Value));
        Assert.Empty(await scheduler.Grains.Fleet().ListBalancersAsync(account, "bal-g", 2));
    }

    private static IBalancerGrain Of(TestScheduler scheduler, string id) =>
        scheduler.Grains.Balancer(new BalancerId(id));

    private static Task<Answer<BalancerRecord>> CreateAsync(
        TestScheduler scheduler,
        AccountId account,
        string id,
        string name,
        BalancerSpec? spec = null
    ) =>
        Of(scheduler, id).CreateAsync(new CreateBalancer(account, name, spec ?? Spec("target")), scheduler.As(account));

    private static BalancerSpec Spec(string target) =>
        new()
        {
            Routes =
            [
                new BalancerRoute
                {
                    Name = "all",
                    Instance = target,
                    IsDefault = true,
                },
            ],
        };

    private static BalancerReport Report(string door, int second, int failures) =>
        new(
            door,
            Noon.AddSeconds(second),
            [new DestinationView { ServingName = "target" }],
            [
                .. Enumerable
                    .Range(0, failures)
                    .Select(_ => new DestinationFailure(
                        Noon.AddSeconds(second),
                        "target",
                        new InstanceId("i-1"),
                        FailureCode.RuntimeError,
                        "Look into it.",
                        new RequestId($"req-{second}")
                    )),
            ]
        );
}
