using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Runtimes;
using Scheduler.Grains;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>Output of a runtime, read through its instance.</summary>
public sealed class OutputTests
{
    [Fact]
    public async Task Output_comes_from_the_runtime_while_it_runs_and_from_the_failure_afterwards()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var stopped = await scheduler.CreateAsync(account, name: "waits");
        var running = await scheduler.RunningAsync(account);
        scheduler.Cloud.Output = "loading\nserving\n";

        Assert.Equal("", await ReadAsync(scheduler, stopped));
        Assert.Equal("loading\nserving\n", await ReadAsync(scheduler, running.Id));

        scheduler.Cloud.Exit(running.Intent!.Key, new RuntimeExit { ExitCode = 1, OutputTail = "it broke\n" });
        var failed = await scheduler.UntilAsync(running.Id, InstanceState.Failed, TimeSpan.FromMilliseconds(100));

        Assert.Equal("", await ReadAsync(scheduler, running.Id));
        Assert.Equal("it broke\n", failed.Failure!.Failure.Details["output_tail"]);
    }

    [Fact]
    public async Task A_failed_output_call_reads_as_empty_and_does_not_affect_the_instance()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var running = await scheduler.RunningAsync(await scheduler.AccountAsync());
        scheduler.Cloud.Output = null;

        Assert.Equal("", await ReadAsync(scheduler, running.Id));
        Assert.Equal(InstanceState.Running, (await scheduler.SeeAsync(running.Id)).State);
    }

    [Fact]
    public async Task INV_08_output_is_hidden_from_another_account()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var running = await scheduler.RunningAsync(await scheduler.AccountAsync());
        scheduler.Cloud.Output = "secret\n";

        var answer = await scheduler.Grains.Instance(running.Id).ReadOutputAsync(new AccountId("acct-other"));

        Assert.Equal(RefusalKind.NotFound, answer.Refusal?.Kind);
        Assert.Null(answer.Value);
    }

    [Theory]
    [InlineData("worker 3 hangs\n", "Read output_tail in the details")]
    [InlineData("", "Start again: it left no output")]
    [InlineData(null, "Start again: it left no output")]
    public async Task A_runtime_that_stopped_answering_leaves_its_last_output_in_the_failure(
        string? output,
        string hint
    )
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var running = await scheduler.RunningAsync(await scheduler.AccountAsync());
        scheduler.Cloud.Output = output;

        scheduler.Cloud.BecomeUnhealthy(running.Intent!.Key);

        var failure = (await scheduler.SettledAsync(running.Id, InstanceState.Failed)).Failure!.Failure;
        Assert.Equal(string.IsNullOrEmpty(output) ? null : output, failure.Details.GetValueOrDefault("output_tail"));
        Assert.StartsWith(hint, failure.Hint);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task A_runtime_that_missed_its_start_deadline_leaves_its_output_in_the_failure()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var id = await scheduler.CreateAsync(await scheduler.AccountAsync());
        scheduler.Cloud.NextAllocate(AllocateAnswer.SucceedBooting);
        scheduler.Cloud.Output = "downloading shard 3 of 9\n";
        await scheduler.LaunchAsync(id);

        var failed = await scheduler.SettledAsync(id, InstanceState.Failed, TimeSpan.FromSeconds(10));

        Assert.Equal("downloading shard 3 of 9\n", failed.Failure!.Failure.Details["output_tail"]);
        await scheduler.SoundAsync();
    }

    private static async Task<string> ReadAsync(TestScheduler scheduler, InstanceId id) =>
        (await scheduler.Grains.Instance(id).ReadOutputAsync(null)).Value!;
}
