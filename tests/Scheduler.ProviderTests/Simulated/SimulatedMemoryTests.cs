using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Simulated;
using Xunit;

namespace Scheduler.ProviderTests.Simulated;

/// <summary>A simulated runtime runs out of memory when it needs more than its GPUs have, and only then.</summary>
public sealed class SimulatedMemoryTests : IDisposable
{
    private const string Model = "Qwen/Qwen2.5-7B-Instruct";

    private readonly SimulatedMarket _market = new(
        new SimulatedOptions { Vendors = ["lambda"], CapacityPerOffer = 1000 },
        (gpu, _, _) => gpu,
        new FakeTimeProvider(),
        NullLogger<SimulatedMarket>.Instance,
        [
            new MarketRow("lambda", "r", "L4", 1, 24, "on_demand", 0.5m, "m"),
            new MarketRow("lambda", "r", "L4", 2, 24, "on_demand", 1m, "m"),
            new MarketRow("lambda", "r", "T4", 1, 16, "on_demand", 0.2m, "m"),
            new MarketRow("lambda", "r", "H100-80GB-SXM", 1, 80, "on_demand", 2m, "m"),
        ]
    );

    private int _keys;

    public void Dispose() => _market.Dispose();

    [Theory]
    [InlineData("L4", 1, 16_384, true)]
    [InlineData("L4", 1, 8_192, false)]
    [InlineData("L4", 2, 16_384, false)]
    [InlineData("H100-80GB-SXM", 1, 16_384, false)]
    public async Task A_larger_cache_than_estimated_decides_by_context_and_GPU(
        string gpu,
        int count,
        long context,
        bool dies
    )
    {
        _market.Set(new SimulatedFault { CacheFactor = 6 });

        Assert.Equal(dies, await DiesAsync(gpu, count, context, Model));
    }

    [Theory]
    [InlineData("L4", 16_384, false)]
    [InlineData("T4", 8_192, true)]
    public async Task Without_a_rule_the_estimate_decides(string gpu, long context, bool dies) =>
        Assert.Equal(dies, await DiesAsync(gpu, 1, context, Model));

    [Fact]
    public async Task A_rule_may_apply_to_one_model()
    {
        _market.Set(
            new SimulatedFault
            {
                Match = new SimulatedMatch { Model = Model },
                CacheFactor = 6,
            }
        );

        Assert.True(await DiesAsync("L4", 1, 16_384, Model));
        Assert.False(await DiesAsync("L4", 1, 16_384, "Qwen/Qwen2.5-7B"));
    }

    [Fact]
    public async Task A_model_that_the_catalogue_does_not_know_never_runs_out_of_memory()
    {
        _market.Set(new SimulatedFault { CacheFactor = 1000 });

        Assert.False(await DiesAsync("T4", 1, 1_000_000, "acme/unknown"));
    }

    private async Task<bool> DiesAsync(string gpu, int count, long context, string model)
    {
        var request = new AllocationRequest(
            new AllocationKey($"k{++_keys}"),
            new AllocationTag(SmallMarket.Cluster, new InstanceId("i-x")),
            SmallMarket.Offer("sim-lambda", $"r/m/{gpu}x{count}/on_demand"),
            new RuntimeSpec
            {
                Model = model,
                ServingName = "tiny",
                ContextTokens = context,
                TensorParallel = count,
            }
        );
        var outcome = await _market
            .Provider("sim-lambda")
            .AllocateAsync(request, TestContext.Current.CancellationToken);
        if (outcome.Allocation is not { Status: AllocationStatus.Exited, Exit: { } exit })
        {
            Assert.Equal(AllocationStatus.Ready, outcome.Allocation?.Status);
            return false;
        }

        Assert.Equal(FailureCode.OomKilled, ExitDiagnosis.Diagnose(exit, wasServing: false));
        return true;
    }
}
