using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Grains;
using Scheduler.Grains.Instances;
using Scheduler.ModelFit;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>What an instance learns from its failed runs changes the next estimate, placement and remedies.</summary>
public sealed class LearningTests
{
    private static readonly RuntimeExit OutOfMemory = new() { ExitCode = 137, OutputTail = "CUDA out of memory." };

    private static readonly RuntimeExit Crash = new() { ExitCode = 1, OutputTail = "Traceback" };

    [Fact]
    public async Task A_run_that_died_for_memory_is_not_said_to_fit_again()
    {
        await using var scheduler = await TestScheduler.DeployAsync(WithLargerGpu);
        var id = await DiesAsync(scheduler, OutOfMemory, Make.Spec(new SmartConstraints { GpuType = "L40S" }));
        var failure = (await scheduler.SeeAsync(id)).Failure!.Failure;
        Assert.Equal("true", failure.Details["estimate_contradicted"]);

        var check = (await ExplainAsync(scheduler, id)).Compatibility!;

        Assert.Equal(FitOutcome.Tight, check.Verdict);
        Assert.Contains(check.Lines, line => line.Name == nameof(VramPurpose.Learned));
        Assert.True(check.Lines.Sum(line => line.ExpectedBytes) > check.UsableBytes);
        Assert.True(check.LargestContext <= 4096);
    }

    [Fact]
    public async Task A_start_after_an_end_for_memory_takes_a_GPU_that_is_likely_to_hold_the_model()
    {
        await using var scheduler = await TestScheduler.DeployAsync(WithLargerGpu);
        var id = await DiesAsync(scheduler, OutOfMemory);
        Assert.Equal("L40S", (await scheduler.SeeAsync(id)).Intent!.Offer.GpuType);

        TestScheduler.Good(await scheduler.LaunchAsync(id));

        var running = await scheduler.UntilAsync(id, InstanceState.Running);
        Assert.Equal("H100-80GB-SXM", running.Intent!.Offer.GpuType);
    }

    [Fact]
    public async Task A_second_end_for_memory_leads_to_a_larger_GPU_first()
    {
        await using var scheduler = await TestScheduler.DeployAsync(WithLargerGpu);
        var id = await DiesAsync(scheduler, OutOfMemory, Make.Spec(new SmartConstraints { GpuType = "L40S" }));
        Assert.Equal("reduce-context", Remedies.For(await scheduler.SeeAsync(id))[0].Id);
        await LaunchAndDieAsync(scheduler, id, OutOfMemory);

        var first = Remedies.For(await scheduler.SeeAsync(id))[0];

        Assert.Equal("larger-gpu", first.Id);
        TestScheduler.Good(
            await scheduler.Grains.Instance(id).UpdateAsync(new UpdateInstance(first.Spec, null), scheduler.As(null))
        );
        TestScheduler.Good(await scheduler.LaunchAsync(id));
        var running = await scheduler.UntilAsync(id, InstanceState.Running);
        Assert.Equal("H100-80GB-SXM", running.Intent!.Offer.GpuType);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_stop_of_a_run_that_had_enough_memory_ends_the_doubt()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await DiesAsync(scheduler, OutOfMemory);
        TestScheduler.Good(await scheduler.LaunchAsync(id));
        await scheduler.UntilAsync(id, InstanceState.Running);
        TestScheduler.Good(await scheduler.StopAsync(id));
        await scheduler.UntilAsync(id, InstanceState.Stopped);

        await Eventually.UntilAsync(
            () => ExplainAsync(scheduler, id),
            explained => explained.Compatibility!.Verdict == FitOutcome.Fits,
            "the good run ends the doubt"
        );
    }

    [Fact]
    public async Task What_a_start_reports_corrects_the_estimate_of_other_instances_of_the_account_only()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        scheduler.Cloud.Output =
            "INFO Initializing a V1 LLM engine (v0.11.0) with config\nINFO Available KV cache memory: 9.00 GiB\n";
        var account = await scheduler.AccountAsync();
        var other = await scheduler.CreateAsync(account);
        var before = (await ExplainAsync(scheduler, other)).Compatibility!;

        await scheduler.RunningAsync(account);

        var after = await Eventually.UntilAsync(
            async () => (await ExplainAsync(scheduler, other)).Compatibility!,
            seen => seen.Lines.Any(line => line.Name == nameof(VramPurpose.Learned)),
            "the report reaches the account's model"
        );
        var need = before.UsableBytes - (9L << 30) + after.Lines.Single(IsCache).ExpectedBytes;
        Assert.InRange(
            need,
            after.Lines.Sum(line => line.LowBytes) - 1000,
            after.Lines.Sum(line => line.HighBytes) + 1000
        );
        var foreign = await scheduler.CreateAsync(await scheduler.AccountAsync("b"));
        Assert.Equal(
            before.Lines.AsEnumerable(),
            (await ExplainAsync(scheduler, foreign)).Compatibility!.Lines.AsEnumerable()
        );
        await scheduler.SoundAsync();

        static bool IsCache(BudgetLine line) => line.Name == nameof(VramPurpose.KvCache);
    }

    [Fact]
    public async Task A_run_that_died_for_memory_teaches_the_other_instances_of_the_account()
    {
        await using var scheduler = await TestScheduler.DeployAsync(WithLargerGpu);
        var account = await scheduler.AccountAsync();
        var first = await scheduler.CreateAsync(account, Make.Spec());
        await LaunchAndDieAsync(scheduler, first, OutOfMemory);
        var second = await scheduler.CreateAsync(account);

        await Eventually.UntilAsync(
            async () => (await ExplainAsync(scheduler, second)).Ranked[0].Offer.GpuType,
            gpu => gpu == "H100-80GB-SXM",
            "the end is known to the account's model"
        );
    }

    [Fact]
    public async Task A_route_that_ends_a_runtime_soon_ranks_last()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await DiesAsync(scheduler, Crash);
        var failed = await scheduler.SeeAsync(id);
        Assert.Equal("eu-west", Assert.Single(failed.AvoidedRoutes).Route.Region);
        Assert.Contains("the next route is cloud/eu-north/", Remedies.For(failed)[0].Title, StringComparison.Ordinal);

        TestScheduler.Good(await scheduler.LaunchAsync(id));
        var running = await scheduler.UntilAsync(id, InstanceState.Running);

        Assert.Equal("eu-north", running.Intent!.Offer.Region);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_route_on_which_a_run_served_ranks_last_after_its_second_end_in_a_row()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var hour = TimeSpan.FromHours(1);
        var id = await DiesAsync(scheduler, Crash, after: hour);
        Assert.Empty((await scheduler.SeeAsync(id)).AvoidedRoutes);

        await LaunchAndDieAsync(scheduler, id, Crash, hour);

        Assert.Equal("eu-west", Assert.Single((await scheduler.SeeAsync(id)).AvoidedRoutes).Route.Region);
    }

    [Fact]
    public async Task A_runtime_that_ends_on_the_only_route_is_repaired_by_a_change_that_admits_another_provider()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
        {
            s.AddProvider("cloud").Offers = [Make.Offer()];
            s.AddProvider("other").Offers = [Make.Offer(provider: "other", price: 3m)];
        });
        var asked = new SmartConstraints { MaxPricePerHour = Make.Euros(2m) };
        var id = await DiesAsync(scheduler, Crash, Make.Spec(asked));
        var failed = await scheduler.SeeAsync(id);
        Assert.Equal("true", failed.Failure!.Failure.Details["only_route"]);
        var first = Remedies.For(failed)[0];
        Assert.Equal("relax-1", first.Id);

        var repair = new RepairInstance(first.Id, null);
        TestScheduler.Good(await scheduler.Grains.Instance(id).RepairAsync(repair, scheduler.As(null)));

        var running = await scheduler.UntilAsync(id, InstanceState.Running);
        Assert.Equal("other", running.Intent!.Offer.Provider.Value);
    }

    [Fact]
    public async Task A_quota_refusal_avoids_the_whole_provider()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
        {
            s.AddProvider("cloud").Offers = [Make.Offer(), Make.Offer(region: "eu-north", price: 1.4m)];
            s.AddProvider("other").Offers = [Make.Offer(provider: "other", price: 3m)];
        });
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        scheduler.Cloud.NextAllocate(AllocateAnswer.Reject(RejectionKind.Quota, "no quota"));
        await scheduler.LaunchAsync(id);
        var failed = await scheduler.UntilAsync(id, InstanceState.Failed);
        Assert.True(Assert.Single(failed.AvoidedRoutes).IsWholeProvider);
        Assert.Contains("cloud ranks last until", Remedies.For(failed)[0].Title, StringComparison.Ordinal);

        TestScheduler.Good(await scheduler.LaunchAsync(id));

        var running = await scheduler.UntilAsync(id, InstanceState.Running);
        Assert.Equal("other", running.Intent!.Offer.Provider.Value);
    }

    private static void WithLargerGpu(TestScheduler scheduler) =>
        scheduler.AddProvider("cloud").Offers = [Make.Offer(), Make.Offer(gpu: "H100-80GB-SXM", price: 2.1m)];

    private static async Task<LaunchExplanation> ExplainAsync(TestScheduler scheduler, InstanceId id) =>
        TestScheduler.Good(await scheduler.Grains.Instance(id).ExplainAsync(null));

    private static async Task<InstanceId> DiesAsync(
        TestScheduler scheduler,
        RuntimeExit exit,
        LaunchSpec? spec = null,
        TimeSpan? after = null
    )
    {
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync(), spec);
        await LaunchAndDieAsync(scheduler, id, exit, after);
        return id;
    }

    private static async Task LaunchAndDieAsync(
        TestScheduler scheduler,
        InstanceId id,
        RuntimeExit exit,
        TimeSpan? after = null
    )
    {
        TestScheduler.Good(await scheduler.LaunchAsync(id));
        var running = await scheduler.UntilAsync(id, InstanceState.Running);
        await scheduler.PassAsync(after ?? TimeSpan.FromSeconds(10));
        scheduler.Cloud.Exit(running.Intent!.Key, exit);
        await scheduler.SettledAsync(id, InstanceState.Failed);
    }
}
