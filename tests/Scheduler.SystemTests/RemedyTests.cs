using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// Follows hints from their structured facts, over a real transport: the next start must succeed. The other hints and all their combinations
/// are followed in ClusterTests (FailureTests, RemediesTests) and by the properties of the remedies.
/// </summary>
[Collection(TroubleGroup.Name)]
public sealed class RemedyTests(TroubledScheduler troubled)
{
    [Fact]
    public async Task BILLING_BELOW_MINIMUM_names_a_top_up_that_is_exactly_enough()
    {
        var door = troubled.Door("http");
        var account = await troubled.AccountAsync(door, 1_500_000);
        var instance = await troubled.CreateAsync(
            door,
            account,
            Troubles.OnGpu(Troubles.On(Troubles.Large, "sim-lambda"), "H100-80GB-SXM", 8)
        );
        var refused = await RefusedAsync(door, instance, "BILLING_BELOW_MINIMUM");

        var missing = Number(refused, "top_up_micro_eur");
        Assert.Equal(Number(refused, "needed_micro_eur") - Number(refused, "available_micro_eur"), missing);
        await TroubledScheduler.TopUpAsync(door, account, missing - 1);
        await RefusedAsync(door, instance, "BILLING_BELOW_MINIMUM");
        await TroubledScheduler.TopUpAsync(door, account, 1);

        await RunsAsync(door, instance.Name);
    }

    [Fact]
    public async Task GPU_INCOMPATIBLE_names_a_gpu_that_runs_the_model()
    {
        var door = troubled.Door("grpc");
        var instance = await LaunchAsync(door, Troubles.All["GPU_INCOMPATIBLE"].Spec);
        var refused = await RefusedAsync(door, instance, "GPU_INCOMPATIBLE");
        Assert.True(Number(refused, "needed_bytes_per_gpu") > Number(refused, "usable_bytes_per_gpu"));

        var spec = instance.Spec;
        spec.Constraints.GpuType = refused.Details["smallest_gpu_type"];
        spec.Constraints.GpuCount = (int)Number(refused, "smallest_gpu_count");
        await ChangeAsync(door, instance, spec, "spec.constraints.gpu_type", "spec.constraints.gpu_count");

        var runs = await RunsAsync(door, instance.Name);
        Assert.Equal(Number(refused, "smallest_gpu_price_per_hour_micro_eur"), runs.Placement.PricePerHourMicroEur);
    }

    [Fact]
    public async Task After_PROVIDER_TIMEOUT_a_stop_and_a_start_take_the_route_that_the_failure_names()
    {
        const string gpuType = "H100-80GB-PCIe";
        const string other = "sim-hyperstack";
        var door = troubled.Door("http");
        var spec = Troubles.Within(
            Troubles.OnGpu(Troubles.On(Troubles.Small, "sim-verda", other), gpuType, 1),
            seconds: 1
        );
        var instance = await LaunchAsync(door, spec);
        var failed = await FailsAsync(door, instance, "PROVIDER_TIMEOUT");
        Assert.StartsWith("sim-verda/", failed.Details["route"]);
        Assert.StartsWith(other, failed.Details["next_route"]);

        _ = (await door.StopAsync(instance.Name)).Ok;
        await door.UntilAsync(instance.Name, i => i.State == InstanceState.Stopped);
        var runs = await RunsAsync(door, instance.Name);

        Assert.Equal(failed.Details["next_route"], RouteOf(runs));
        Assert.Equal(Number(failed, "next_price_per_hour_micro_eur"), runs.Placement.PricePerHourMicroEur);
    }

    [Fact]
    public async Task RUNTIME_START_TIMEOUT_names_a_start_timeout_that_is_long_enough()
    {
        var door = troubled.Door("http");
        var spec = Troubles.OnGpu(Troubles.On(Troubles.Small, "sim-paperspace"), "RTX-A4000", 1);
        spec.StartTimeout = Duration.FromTimeSpan(TimeSpan.FromSeconds(2));
        var instance = await LaunchAsync(door, spec);
        var failed = await FailsAsync(door, instance, "RUNTIME_START_TIMEOUT");

        var seconds = Number(failed, "suggested_start_timeout_seconds");
        Assert.Contains($"start_timeout {seconds}s", failed.Hint);
        spec.StartTimeout = Duration.FromTimeSpan(TimeSpan.FromSeconds(seconds));
        await ChangeAsync(door, instance, spec, "spec.start_timeout");

        await RunsAsync(door, instance.Name);
    }

    [Fact]
    public async Task An_instance_preempted_on_spot_capacity_stays_up_without_it()
    {
        var door = troubled.Door("grpc");
        var instance = await LaunchAsync(door, Troubles.All["PREEMPTED"].Spec);
        await FailsAsync(door, instance, "PREEMPTED");

        var spec = instance.Spec;
        spec.Constraints.SpotAllowed = false;
        await ChangeAsync(door, instance, spec, "spec.constraints.spot_allowed");

        var runs = await StaysAsync(door, instance.Name);
        Assert.False(runs.Placement.Offer.Spot);
    }

    [Fact]
    public async Task MODEL_NOT_FOUND_proposes_a_model_that_exists()
    {
        var door = troubled.Door("http");
        var instance = await LaunchAsync(door, Troubles.All["MODEL_NOT_FOUND"].Spec);
        var refused = await RefusedAsync(door, instance, "MODEL_NOT_FOUND");

        var spec = instance.Spec;
        spec.Model = refused.Details["near"];
        await ChangeAsync(door, instance, spec, "spec.model");

        await RunsAsync(door, instance.Name);
    }

    private async Task<Instance> LaunchAsync(Door door, LaunchSpec spec) =>
        await troubled.CreateAsync(door, await troubled.AccountAsync(door, 1_000_000_000), spec.Clone());

    private static async Task<Failure> RefusedAsync(Door door, Instance instance, string code)
    {
        var start = await door.StartAsync(instance.Name);
        Assert.True(start.Error is not null, $"It was accepted: {start.Value}");
        Assert.Equal(code, start.Info.Reason);
        return (await door.GetInstanceAsync(instance.Name)).Ok.Failure;
    }

    private static async Task<Failure> FailsAsync(Door door, Instance instance, string code)
    {
        _ = (await door.StartAsync(instance.Name)).Ok;
        var failed = await door.UntilAsync(instance.Name, i => i.State == InstanceState.Failed);
        Assert.Equal(code, failed.Failure.Code);
        return failed.Failure;
    }

    private static async Task ChangeAsync(Door door, Instance instance, LaunchSpec spec, params string[] paths) =>
        _ = (await door.UpdateAsync(instance.Name, spec, paths)).Ok;

    private static async Task<Instance> RunsAsync(Door door, string name)
    {
        _ = (await door.StartAsync(name)).Ok;
        var reached = await door.UntilAsync(
            name,
            i => i.State is InstanceState.Running or InstanceState.Failed or InstanceState.Stopped
        );
        Assert.True(reached.State == InstanceState.Running, $"{reached}");
        return reached;
    }

    /// <summary>Runs, and is not ended by what ended it before, which would have happened 200 ms after it served.</summary>
    private static async Task<Instance> StaysAsync(Door door, string name)
    {
        var runs = await RunsAsync(door, name);
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.Equal(InstanceState.Running, (await door.GetInstanceAsync(name)).Ok.State);
        return runs;
    }

    private static long Number(Failure failure, string fact) =>
        long.Parse(failure.Details[fact], CultureInfo.InvariantCulture);

    private static string RouteOf(Instance instance)
    {
        var offer = instance.Placement.Offer;
        return $"{offer.Provider.Split('/')[^1]}/{offer.Region}/{offer.GpuType}";
    }
}
