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

/// <summary>What an instance learns from its failed runs changes the next estimate, placement and remedies.</summary>
public sealed class LearningTests
{
    private static readonly RuntimeExit OutOfMemory = new() { ExitCode = 137, OutputTail = "CUDA out of memory." };

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

        Assert.Equal(FitOutcome.Fits, (await ExplainAsync(scheduler, id)).Compatibility!.Verdict);
    }

    [Fact]
    public async Task A_route_that_ends_runtimes_twice_in_a_row_ranks_last()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var crash = new RuntimeExit { ExitCode = 1, OutputTail = "Traceback" };
        var id = await DiesAsync(scheduler, crash);
        Assert.Empty((await scheduler.SeeAsync(id)).AvoidedRoutes);
        await LaunchAndDieAsync(scheduler, id, crash);

        TestScheduler.Good(await scheduler.LaunchAsync(id));
        var running = await scheduler.UntilAsync(id, InstanceState.Running);

        Assert.Equal("eu-north", running.Intent!.Offer.Region);
        await scheduler.SoundAsync();
    }

    private static void WithLargerGpu(TestScheduler scheduler) =>
        scheduler.AddProvider("cloud").Offers = [Make.Offer(), Make.Offer(gpu: "H100-80GB-SXM", price: 2.1m)];

    private static async Task<LaunchExplanation> ExplainAsync(TestScheduler scheduler, InstanceId id) =>
        TestScheduler.Good(await scheduler.Grains.Instance(id).ExplainAsync(null));

    private static async Task<InstanceId> DiesAsync(TestScheduler scheduler, RuntimeExit exit, LaunchSpec? spec = null)
    {
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync(), spec);
        await LaunchAndDieAsync(scheduler, id, exit);
        return id;
    }

    private static async Task LaunchAndDieAsync(TestScheduler scheduler, InstanceId id, RuntimeExit exit)
    {
        TestScheduler.Good(await scheduler.LaunchAsync(id));
        var running = await scheduler.UntilAsync(id, InstanceState.Running);
        await scheduler.PassAsync(TimeSpan.FromSeconds(10));
        scheduler.Cloud.Exit(running.Intent!.Key, exit);
        await scheduler.SettledAsync(id, InstanceState.Failed);
    }
}
