using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>
/// Follows hints by their structured facts over a real transport: the next start must succeed. ClusterTests
/// (FailureTests, FirstRemedyTests) and the properties of the remedies cover the other hints and all combinations.
/// </summary>
[Collection(TroubleGroup.Name)]
public sealed class RemedyTests(TroubledScheduler troubled)
{
    [Fact]
    public async Task BILLING_BELOW_MINIMUM_names_the_exact_top_up_that_is_needed()
    {
        var api = troubled.ApiClient("http");
        var account = await troubled.AccountAsync(api, 1_500_000);
        var instance = await troubled.CreateAsync(
            api,
            account,
            Troubles.OnGpu(Troubles.On(Troubles.Large, "sim-lambda"), "H100-80GB-SXM", 8)
        );
        var refused = await RefusedAsync(api, instance, "BILLING_BELOW_MINIMUM");

        var missing = Number(refused, "top_up_micro_eur");
        Assert.Equal(Number(refused, "needed_micro_eur") - Number(refused, "available_micro_eur"), missing);
        await TroubledScheduler.TopUpAsync(api, account, missing - 1);
        await RefusedAsync(api, instance, "BILLING_BELOW_MINIMUM");
        await TroubledScheduler.TopUpAsync(api, account, 1);

        await RunsAsync(api, instance.Name);
    }

    [Fact]
    public async Task GPU_INCOMPATIBLE_names_a_gpu_that_runs_the_model()
    {
        var api = troubled.ApiClient("grpc");
        var instance = await LaunchAsync(api, Troubles.All["GPU_INCOMPATIBLE"].Spec);
        var refused = await RefusedAsync(api, instance, "GPU_INCOMPATIBLE");
        Assert.True(Number(refused, "needed_bytes_per_gpu") > Number(refused, "usable_bytes_per_gpu"));

        var spec = instance.Spec;
        spec.Constraints.GpuType = refused.Details["smallest_gpu_type"];
        spec.Constraints.GpuCount = (int)Number(refused, "smallest_gpu_count");
        await ChangeAsync(api, instance, spec, "spec.constraints.gpu_type", "spec.constraints.gpu_count");

        var runs = await RunsAsync(api, instance.Name);
        Assert.Equal(Number(refused, "smallest_gpu_price_per_hour_micro_eur"), runs.Placement.PricePerHourMicroEur);
    }

    [Fact]
    public async Task After_PROVIDER_TIMEOUT_stop_and_start_use_the_route_that_the_failure_names()
    {
        const string gpuType = "H100-80GB-PCIe";
        const string other = "sim-hyperstack";
        var api = troubled.ApiClient("http");
        var spec = Troubles.Within(
            Troubles.OnGpu(Troubles.On(Troubles.Small, "sim-verda", other), gpuType, 1),
            seconds: 1
        );
        var instance = await LaunchAsync(api, spec);
        var failed = await FailsAsync(api, instance, "PROVIDER_TIMEOUT");
        Assert.StartsWith("sim-verda/", failed.Details["route"]);
        Assert.StartsWith(other, failed.Details["next_route"]);

        _ = (await api.StopAsync(instance.Name)).Ok;
        await api.UntilAsync(instance.Name, i => i.State == InstanceState.Stopped);
        var runs = await RunsAsync(api, instance.Name);

        Assert.Equal(failed.Details["next_route"], RouteOf(runs));
        Assert.Equal(Number(failed, "next_price_per_hour_micro_eur"), runs.Placement.PricePerHourMicroEur);
    }

    [Fact]
    public async Task RUNTIME_START_TIMEOUT_names_a_sufficient_start_timeout()
    {
        var api = troubled.ApiClient("http");
        var spec = Troubles.OnGpu(Troubles.On(Troubles.Small, "sim-paperspace"), "RTX-A4000", 1);
        spec.StartTimeout = Duration.FromTimeSpan(TimeSpan.FromSeconds(2));
        var instance = await LaunchAsync(api, spec);
        var failed = await FailsAsync(api, instance, "RUNTIME_START_TIMEOUT");

        var seconds = Number(failed, "suggested_start_timeout_seconds");
        Assert.Contains($"start_timeout {seconds}s", failed.Hint);
        spec.StartTimeout = Duration.FromTimeSpan(TimeSpan.FromSeconds(seconds));
        await ChangeAsync(api, instance, spec, "spec.start_timeout");

        await RunsAsync(api, instance.Name);
    }

    [Fact]
    public async Task A_preempted_instance_keeps_running_without_spot_capacity()
    {
        var api = troubled.ApiClient("grpc");
        var instance = await LaunchAsync(api, Troubles.All["PREEMPTED"].Spec);
        await FailsAsync(api, instance, "PREEMPTED");

        var spec = instance.Spec;
        spec.Constraints.SpotAllowed = false;
        await ChangeAsync(api, instance, spec, "spec.constraints.spot_allowed");

        var runs = await StaysAsync(api, instance.Name);
        Assert.False(runs.Placement.Offer.Spot);
    }

    [Fact]
    public async Task Unknown_names_are_field_faults_that_name_the_right_ones()
    {
        var api = troubled.ApiClient("http");
        var account = await troubled.AccountAsync(api, 1_000_000_000);
        var spec = Troubles.OnGpu(Troubles.On("Qwen2.5-0.5B", "sim-lamda"), "H100", 1);

        var refused = await api.CreateInstanceAsync(account, "unknown-names", spec);

        Assert.Equal(400, refused.HttpStatus);
        var faults = refused.Error!.GetDetail<BadRequest>()!.FieldViolations;
        Assert.Equal(
            ["spec.model", "spec.constraints.gpu_type", "spec.constraints.providers[0]"],
            faults.Select(fault => fault.Field)
        );
        Assert.Contains($"`{Troubles.Small}`", faults[0].Description);
        Assert.Contains("`H100-80GB-SXM`", faults[1].Description);
        Assert.Contains("`sim-lambda` exists", faults[2].Description);
        var named = Troubles.OnGpu(Troubles.On(Troubles.Small, "sim-lambda"), "nvidia h100 sxm", 1);
        var created = (await api.CreateInstanceAsync(account, "unknown-names", named)).Ok;
        Assert.Equal("H100-80GB-SXM", created.Spec.Constraints.GpuType);
    }

    private async Task<Instance> LaunchAsync(ApiClient api, LaunchSpec spec) =>
        await troubled.CreateAsync(api, await troubled.AccountAsync(api, 1_000_000_000), spec.Clone());

    private static async Task<Failure> RefusedAsync(ApiClient api, Instance instance, string code)
    {
        var start = await api.StartAsync(instance.Name);
        Assert.True(start.Error is not null, $"The start was accepted: {start.Value}");
        Assert.Equal(code, start.Info.Reason);
        return (await api.GetInstanceAsync(instance.Name)).Ok.Failure;
    }

    private static async Task<Failure> FailsAsync(ApiClient api, Instance instance, string code)
    {
        _ = (await api.StartAsync(instance.Name)).Ok;
        var failed = await api.UntilAsync(instance.Name, i => i.State == InstanceState.Failed);
        Assert.Equal(code, failed.Failure.Code);
        return failed.Failure;
    }

    private static async Task ChangeAsync(ApiClient api, Instance instance, LaunchSpec spec, params string[] paths) =>
        _ = (await api.UpdateAsync(instance.Name, spec, paths)).Ok;

    private static async Task<Instance> RunsAsync(ApiClient api, string name)
    {
        _ = (await api.StartAsync(name)).Ok;
        var reached = await api.UntilAsync(
            name,
            i => i.State is InstanceState.Running or InstanceState.Failed or InstanceState.Stopped
        );
        Assert.True(reached.State == InstanceState.Running, $"{reached}");
        return reached;
    }

    /// <summary>Runs longer than the 200 ms after which the previous run ended.</summary>
    private static async Task<Instance> StaysAsync(ApiClient api, string name)
    {
        var runs = await RunsAsync(api, name);
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System, TestContext.Current.CancellationToken);
        Assert.Equal(InstanceState.Running, (await api.GetInstanceAsync(name)).Ok.State);
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
