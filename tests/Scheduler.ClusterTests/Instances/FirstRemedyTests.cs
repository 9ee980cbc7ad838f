using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Runtimes;
using Scheduler.Grains;
using Scheduler.Grains.Instances;
using Scheduler.ModelFit;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>
/// The first remedy of a failure on its real path, applied without further choice, launches the instance.
/// </summary>
public sealed class FirstRemedyTests
{
    private static readonly int[] Counts = [1, 2, 4, 8];

    [Fact]
    public async Task The_first_remedy_of_SMART_NO_MATCH_launches()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var asked = new SmartConstraints { MaxPricePerHour = Make.Euros(1m), Regions = ["eu-west"] };
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync(), Make.Spec(asked));
        await scheduler.LaunchAsync(id);

        await FollowFirstAsync(scheduler, id, FailureCode.SmartNoMatch, "relax-1");
    }

    [Fact]
    public async Task The_first_remedy_of_GPU_INCOMPATIBLE_launches()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
            s.AddProvider("cloud").Offers = [
                .. GpuCatalogue.Shipped.All.SelectMany(gpu =>
                    Counts.Select(count => Make.Offer(gpu: gpu.Name, count: count))
                ),
            ]
        );
        var spec = Make.Spec(new SmartConstraints { GpuType = "RTX4090", GpuCount = 1 }) with
        {
            ContextTokens = 131_072,
            ParallelSequences = 4,
        };
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync(), spec);
        await scheduler.LaunchAsync(id);

        var running = await FollowFirstAsync(scheduler, id, FailureCode.GpuIncompatible, "relax-1");
        Assert.Equal("RTX4090", running.Intent!.Offer.GpuType);
    }

    [Fact]
    public async Task The_first_remedy_of_GPU_INCOMPATIBLE_relaxes_what_excludes_a_larger_GPU()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
            s.AddProvider("cloud").Offers = [Make.Offer(gpu: "RTX3070"), Make.Offer(region: "eu-north")]
        );
        var asked = new SmartConstraints { Regions = ["eu-west"] };
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync(), Make.Spec(asked));
        await scheduler.LaunchAsync(id);

        await FollowFirstAsync(scheduler, id, FailureCode.GpuIncompatible, "relax-1");
    }

    [Fact]
    public async Task The_first_remedy_of_OOM_KILLED_launches()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await OutOfMemoryAsync(scheduler, Make.Spec());

        await FollowFirstAsync(scheduler, id, FailureCode.OomKilled, "reduce-context");
    }

    [Fact]
    public async Task The_larger_GPU_remedy_of_OOM_KILLED_includes_its_other_requirements()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
            s.AddProvider("cloud").Offers = [Make.Offer(), Make.Offer(gpu: "H100-80GB-SXM", price: 2.1m)]
        );
        var asked = new SmartConstraints { MaxPricePerHour = Make.Euros(1.3m) };
        var id = await OutOfMemoryAsync(scheduler, Make.Spec(asked));

        var larger = Assert.Single(
            Remedies.For(await scheduler.SeeAsync(id)),
            way => way.Title.Contains("raise the max price to 2.10 EUR/h", StringComparison.Ordinal)
        );
        var running = await FollowAsync(scheduler, id, larger);

        Assert.Equal("H100-80GB-SXM", running.Intent!.Offer.GpuType);
    }

    [Fact]
    public async Task The_first_remedy_of_BILLING_BELOW_MINIMUM_launches()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync(euros: 0.5m));
        await scheduler.LaunchAsync(id);

        await FollowFirstAsync(scheduler, id, FailureCode.BillingBelowMinimum, "top-up");
    }

    [Fact]
    public async Task The_first_remedy_of_PROVIDER_TIMEOUT_launches_on_the_route_it_names()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        scheduler.Cloud.NextAllocate(AllocateAnswer.Hang);
        await scheduler.LaunchAsync(id);
        await scheduler.UntilAsync(id, InstanceState.Provisioning);
        var failed = await scheduler.UntilAsync(id, InstanceState.Failed, TimeSpan.FromSeconds(1));
        Assert.Contains("the next route is cloud/eu-north/", Remedies.For(failed)[0].Title, StringComparison.Ordinal);

        var running = await FollowFirstAsync(scheduler, id, FailureCode.ProviderTimeout, "start-again");

        Assert.Equal("eu-north", running.Intent!.Offer.Region);
    }

    [Fact]
    public async Task A_repeated_repair_is_executed_once()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await OutOfMemoryAsync(scheduler, Make.Spec());
        var failed = await scheduler.SeeAsync(id);
        var grain = scheduler.Grains.Instance(id);
        var command = new RepairInstance("reduce-context", null);

        var first = TestScheduler.Good(await grain.RepairAsync(command, scheduler.As(null, "once")));
        await scheduler.UntilAsync(id, InstanceState.Running);
        var again = TestScheduler.Good(await grain.RepairAsync(command, scheduler.As(null, "once")));

        Assert.Equal((failed.Run + 1, failed.Run + 1), (first.Run, again.Run));
        Assert.True(again.Spec.ContextTokens < failed.Spec.ContextTokens);
    }

    [Fact]
    public async Task A_repair_of_an_older_generation_or_with_another_remedy_changes_nothing()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await OutOfMemoryAsync(scheduler, Make.Spec());
        var failed = await scheduler.SeeAsync(id);
        var grain = scheduler.Grains.Instance(id);

        var older = await grain.RepairAsync(
            new RepairInstance("reduce-context", failed.Generation - 1),
            scheduler.As(null)
        );
        var unknown = await grain.RepairAsync(new RepairInstance("pray", null), scheduler.As(null));
        var foreign = await grain.RepairAsync(
            new RepairInstance("reduce-context", null),
            scheduler.As(new AccountId("acct-other"))
        );

        Assert.Equal(RefusalKind.WrongState, older.Refusal!.Kind);
        Assert.Contains("reduce-context", Assert.Single(unknown.Refusal!.Faults).Description, StringComparison.Ordinal);
        Assert.Equal(RefusalKind.NotFound, foreign.Refusal!.Kind);
        var seen = await scheduler.SeeAsync(id);
        Assert.Equal((failed.Run, failed.Spec), (seen.Run, seen.Spec));
    }

    private static async Task<InstanceId> OutOfMemoryAsync(TestScheduler scheduler, LaunchSpec spec)
    {
        var running = await scheduler.RunningAsync(await scheduler.AccountAsync(), spec);
        await scheduler.PassAsync(TimeSpan.FromSeconds(10));
        scheduler.Cloud.Exit(
            running.Intent!.Key,
            new RuntimeExit { ExitCode = 137, OutputTail = "CUDA out of memory." }
        );
        await scheduler.UntilAsync(running.Id, InstanceState.Failed);
        return running.Id;
    }

    private static async Task<InstanceRecord> FollowFirstAsync(
        TestScheduler scheduler,
        InstanceId id,
        FailureCode code,
        string expected
    )
    {
        var failed = await scheduler.SeeAsync(id);
        Assert.Equal(InstanceState.Failed, failed.State);
        Assert.Equal(code, failed.Failure!.Failure.Code);
        var first = Remedies.For(failed)[0];
        Assert.Equal(expected, first.Id);
        return await FollowAsync(scheduler, id, first);
    }

    private static async Task<InstanceRecord> FollowAsync(TestScheduler scheduler, InstanceId id, Remedy remedy)
    {
        if (remedy.TopUp is { } amount)
        {
            await scheduler.TopUpAsync((await scheduler.SeeAsync(id)).Account, amount, "remedy");
        }

        var command = new RepairInstance(remedy.Id, null);
        TestScheduler.Good(await scheduler.Grains.Instance(id).RepairAsync(command, scheduler.As(null)));
        var running = await scheduler.UntilAsync(id, InstanceState.Running);
        await scheduler.SoundAsync();
        return running;
    }
}
