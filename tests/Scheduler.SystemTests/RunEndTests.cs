using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// Capacity ends while clients send requests, on the simulated market: they receive the cause and the remedy.
/// </summary>
[Collection(TroubleGroup.Name)]
public sealed class RunEndTests(TroubledScheduler troubled)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Requests_to_an_out_of_memory_instance_get_the_larger_GPU_and_its_price()
    {
        var api = troubled.ApiClient("grpc");
        var account = await troubled.AccountAsync(api, 1_000_000_000);
        var trouble = Troubles.All["OOM_KILLED"];
        var (gateway, instance) = await LaunchAsync(api, account, trouble.Spec.Clone());
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
    public async Task Requests_to_a_preempted_instance_get_a_retry_hint_and_the_instance_recovers()
    {
        var api = troubled.ApiClient("grpc");
        var account = await troubled.AccountAsync(api, 1_000_000_000);
        // The cheaper of two regions preempts after two seconds.
        var spec = Troubles.OnGpu(Troubles.On(Troubles.Small, "sim-verda"), "A100-80GB-PCIe", 1);
        spec.AutoReroute = true;
        var (gateway, instance) = await LaunchAsync(api, account, spec);
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

    private async Task<(Gateway Gateway, Instance Instance)> LaunchAsync(ApiClient api, string account, LaunchSpec spec)
    {
        var instance = await troubled.CreateAsync(api, account, spec);
        var key = (await api.CreateKeyAsync(account)).Ok.Token;
        _ = (await api.StartAsync(instance.Name)).Ok;
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
                $"The expected answer did not arrive: {answers.LastOrDefault()}"
            );
            answers.Add(await gateway.ChatAsync(instance.ServingName, "Hi", 4));
        } while (!isIt(answers[^1]));

        return answers;
    }
}
