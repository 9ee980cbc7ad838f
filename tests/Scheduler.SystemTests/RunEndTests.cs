using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>Capacity that goes while clients ask, on the simulated market: they get the cause and what to do, never a riddle.</summary>
[Collection(TroubleGroup.Name)]
public sealed class RunEndTests(TroubledScheduler troubled)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Who_asks_an_instance_that_runs_out_of_memory_is_told_the_larger_gpu_and_its_price()
    {
        var door = troubled.Door("grpc");
        var account = await troubled.AccountAsync(door, 1_000_000_000);
        var trouble = Troubles.All["OOM_KILLED"];
        var (gateway, instance) = await LaunchAsync(door, account, trouble.Spec.Clone());
        using (gateway)
        {
            var answers = await AskUntilAsync(gateway, instance, answer => answer.Code == "OOM_KILLED");

            Assert.All(
                answers,
                answer => Assert.True(answer.Code is null or "INSTANCE_NOT_RUNNING" or "OOM_KILLED", $"{answer}")
            );
            Assert.Equal(502, answers[^1].Status);
            Assert.Matches(trouble.Hint, answers[^1].Hint);
            Assert.Equal("false", answers[^1].Headers["X-Should-Retry"]);
        }
    }

    [Fact]
    public async Task Who_asks_an_instance_that_lost_its_capacity_is_told_that_it_is_coming_back_and_it_does()
    {
        var door = troubled.Door("grpc");
        var account = await troubled.AccountAsync(door, 1_000_000_000);
        // The cheaper of two regions takes its capacity back after two seconds.
        var spec = Troubles.OnGpu(Troubles.On(Troubles.Small, "sim-verda"), "A100-80GB-PCIe", 1);
        spec.AutoReroute = true;
        var (gateway, instance) = await LaunchAsync(door, account, spec);
        using (gateway)
        {
            var answers = await AskUntilAsync(gateway, instance, answer => answer.Status == 200);
            answers.AddRange(await AskUntilAsync(gateway, instance, answer => answer.Status != 200));
            var lost = answers[^1];
            answers.AddRange(await AskUntilAsync(gateway, instance, answer => answer.Status == 200));

            Assert.All(
                answers,
                answer => Assert.True(answer.Code is null or "INSTANCE_NOT_RUNNING" or "PREEMPTED", $"{answer}")
            );
            Assert.Equal(503, lost.Status);
            Assert.Contains("is being started on another route: try again when it is running", lost.Hint);
            Assert.Contains("Retry-After", lost.Headers.Keys);
        }
    }

    private async Task<(Gateway Gateway, Instance Instance)> LaunchAsync(Door door, string account, LaunchSpec spec)
    {
        var instance = await troubled.CreateAsync(door, account, spec);
        var key = (await door.CreateKeyAsync(account)).Ok.Token;
        _ = (await door.StartAsync(instance.Name)).Ok;
        return (new Gateway(troubled.Process, key), instance);
    }

    private static async Task<List<GatewayAnswer>> AskUntilAsync(
        Gateway gateway,
        Instance instance,
        Func<GatewayAnswer, bool> isIt
    )
    {
        var began = TimeProvider.System.GetTimestamp();
        var answers = new List<GatewayAnswer>();
        do
        {
            Assert.True(
                TimeProvider.System.GetElapsedTime(began) < Patience,
                $"It did not come: {answers.LastOrDefault()}"
            );
            answers.Add(await gateway.ChatAsync(instance.ServingName, "Hi", 4));
        } while (!isIt(answers[^1]));

        return answers;
    }
}
