using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Scheduler.Api.V1;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.SystemTests;

/// <summary>A hint is worth what following it is worth: each is followed to the letter, from its facts, and the next start must succeed.</summary>
[Collection(TroubleGroup.Name)]
public sealed class RemedyTests(TroubledScheduler troubled)
{
    [Theory]
    [InlineData("http")]
    [InlineData("grpc")]
    public async Task Topping_up_what_BILLING_BELOW_MINIMUM_names_is_enough(string transport)
    {
        var door = troubled.Door(transport);
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

    [Theory]
    [InlineData("http")]
    [InlineData("grpc")]
    public async Task The_offer_that_BILLING_BELOW_MINIMUM_calls_affordable_is(string transport)
    {
        var door = troubled.Door(transport);
        var account = await troubled.AccountAsync(door, 1_200_000);
        var spec = Troubles.On(Troubles.Small, "sim-verda");
        var running = await troubled.CreateAsync(door, account, spec);
        await RunsAsync(door, running.Name);
        var price = (await door.GetInstanceAsync(running.Name)).Ok.Placement.PricePerHourMicroEur;
        Assert.True(price > 0);

        // The hold of the first launch leaves too little even for the minimum: only topping up helps, and no offer is called affordable.
        var second = await troubled.CreateAsync(door, account, spec);
        var refused = await RefusedAsync(door, second, "BILLING_BELOW_MINIMUM");
        Assert.DoesNotContain("affordable_offer", refused.Details.Keys);
        await TroubledScheduler.TopUpAsync(door, account, Number(refused, "top_up_micro_eur"));
        await RunsAsync(door, second.Name);
    }

    [Theory]
    [InlineData("http")]
    [InlineData("grpc")]
    public async Task The_gpu_that_GPU_INCOMPATIBLE_names_runs_the_model(string transport)
    {
        var door = troubled.Door(transport);
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

    [Theory]
    [InlineData("http")]
    [InlineData("grpc")]
    public async Task The_constraint_that_GPU_INCOMPATIBLE_says_to_change_is_the_one(string transport)
    {
        var door = troubled.Door(transport);
        var spec = Troubles.AtMost(Troubles.On(Troubles.Middle, "sim-hyperstack"), 200_000);
        var instance = await LaunchAsync(door, spec);
        var refused = await RefusedAsync(door, instance, "GPU_INCOMPATIBLE");
        var way = refused.Details["relaxation_1"];
        Assert.StartsWith("max price 0.20 → ", way);
        Assert.Contains($"hange {way}", refused.Hint);

        Loosen(spec.Constraints, new RelaxedConstraint { Constraint = "max_price", To = way.Split(' ')[4] });
        await ChangeAsync(door, instance, spec, "spec.constraints");

        await RunsAsync(door, instance.Name);
    }

    [Theory]
    [InlineData("http", 32_768)]
    [InlineData("grpc", 32_768)]
    [InlineData("http", 131_072)]
    [InlineData("grpc", 131_072)]
    public async Task The_context_that_GPU_INCOMPATIBLE_names_fits_also_where_the_model_itself_has_less(
        string transport,
        long contextTokens
    )
    {
        var door = troubled.Door(transport);
        var spec = Troubles.OnGpu(Troubles.On(Troubles.Middle, "sim-lambda"), "A10", 1);
        (spec.ContextTokens, spec.ParallelSequences) = (contextTokens, 4);
        var instance = await LaunchAsync(door, spec);
        var refused = await RefusedAsync(door, instance, "GPU_INCOMPATIBLE");

        spec.ContextTokens = Number(refused, "largest_context_tokens");
        Assert.Matches($"(?i)context_tokens to {spec.ContextTokens}\\b", refused.Hint);
        await ChangeAsync(door, instance, spec, "spec.context_tokens");

        await RunsAsync(door, instance.Name);
    }

    [Theory]
    [InlineData("http")]
    [InlineData("grpc")]
    public async Task Each_way_out_that_SMART_NO_MATCH_names_is_one(string transport)
    {
        var door = troubled.Door(transport);
        var wish = Troubles.AtMost(Troubles.On(Troubles.Middle, "sim-lambda"), 100_000);
        wish.Constraints.Regions.Add("us-east-1");
        wish.Constraints.MinimumTier = CapacityTier.Dedicated;
        var probe = await LaunchAsync(door, wish);
        var refused = await RefusedAsync(door, probe, "SMART_NO_MATCH");
        var ways = (await door.ExplainAsync(probe.Name)).Ok.Relaxations;
        Assert.NotEmpty(ways);
        Assert.Equal(ways[0].Text, refused.Details["relaxation_1"]);
        Assert.Contains(ways[0].Text, refused.Hint);
        foreach (var way in ways)
        {
            var spec = wish.Clone();
            foreach (var change in way.Changes)
            {
                Loosen(spec.Constraints, change);
            }

            var instance = await LaunchAsync(door, spec);
            var explained = (await door.ExplainAsync(instance.Name)).Ok;
            Assert.Equal(way.OffersThen, explained.OffersMatching);
            Assert.True(explained.WouldLaunch, $"{way}: {explained.Failure}");
        }

        await FollowFirstAsync(door, probe, wish, ways[0]);
    }

    [Theory]
    [InlineData("http", "H100-80GB-PCIe", "sim-hyperstack")]
    [InlineData("grpc", "RTX-PRO-6000-Blackwell", "sim-lium")]
    public async Task Stop_and_start_after_PROVIDER_TIMEOUT_takes_another_route(
        string transport,
        string gpuType,
        string other
    )
    {
        var door = troubled.Door(transport);
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

    [Theory]
    [InlineData("http", "L40", "sim-fluidstack")]
    [InlineData("grpc", "RTX-A6000", "sim-lambda")]
    public async Task Start_after_PROVIDER_REJECTED_takes_the_route_it_names(
        string transport,
        string gpuType,
        string other
    )
    {
        var door = troubled.Door(transport);
        var instance = await LaunchAsync(
            door,
            Troubles.OnGpu(Troubles.On(Troubles.Small, "sim-hyperstack", other), gpuType, 1)
        );
        var failed = await FailsAsync(door, instance, "PROVIDER_REJECTED");
        Assert.StartsWith("sim-hyperstack/", failed.Details["route"]);
        Assert.Contains("simulated:", failed.Details["provider_words"]);

        var runs = await RunsAsync(door, instance.Name);

        Assert.Equal(failed.Details["next_route"], RouteOf(runs));
    }

    [Theory]
    [InlineData("http")]
    [InlineData("grpc")]
    public async Task The_start_timeout_that_RUNTIME_START_TIMEOUT_names_is_taken(string transport)
    {
        var door = troubled.Door(transport);
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

    [Theory]
    [InlineData("http")]
    [InlineData("grpc")]
    public async Task The_gpu_that_OOM_KILLED_names_holds_the_model(string transport)
    {
        var door = troubled.Door(transport);
        var instance = await LaunchAsync(door, Troubles.All["OOM_KILLED"].Spec);
        var failed = await FailsAsync(door, instance, "OOM_KILLED");
        Assert.Equal("137", failed.Details["exit_code"]);
        Assert.InRange(Number(failed, "fitting_context_tokens"), 1, 8191);

        var spec = instance.Spec;
        spec.Constraints.GpuType = failed.Details["fitting_gpu_type"];
        spec.Constraints.GpuCount = (int)Number(failed, "fitting_gpu_count");
        await ChangeAsync(door, instance, spec, "spec.constraints.gpu_type", "spec.constraints.gpu_count");

        var runs = await StaysAsync(door, instance.Name);
        Assert.Equal(Number(failed, "fitting_price_per_hour_micro_eur"), runs.Placement.PricePerHourMicroEur);
    }

    [Theory]
    [InlineData("http")]
    [InlineData("grpc")]
    public async Task Capacity_that_is_not_spot_is_kept_after_PREEMPTED(string transport)
    {
        var door = troubled.Door(transport);
        var instance = await LaunchAsync(door, Troubles.All["PREEMPTED"].Spec);
        await FailsAsync(door, instance, "PREEMPTED");

        var spec = instance.Spec;
        spec.Constraints.SpotAllowed = false;
        await ChangeAsync(door, instance, spec, "spec.constraints.spot_allowed");

        var runs = await StaysAsync(door, instance.Name);
        Assert.False(runs.Placement.Offer.Spot);
    }

    [Theory]
    [InlineData("http")]
    [InlineData("grpc")]
    public async Task The_model_that_MODEL_NOT_FOUND_proposes_is_found(string transport)
    {
        var door = troubled.Door(transport);
        var instance = await LaunchAsync(door, Troubles.All["MODEL_NOT_FOUND"].Spec);
        var refused = await RefusedAsync(door, instance, "MODEL_NOT_FOUND");

        var spec = instance.Spec;
        spec.Model = refused.Details["near"];
        await ChangeAsync(door, instance, spec, "spec.model");

        await RunsAsync(door, instance.Name);
    }

    private static async Task FollowFirstAsync(Door door, Instance instance, LaunchSpec wish, Relaxation way)
    {
        var spec = wish.Clone();
        foreach (var change in way.Changes)
        {
            Loosen(spec.Constraints, change);
        }

        await ChangeAsync(door, instance, spec, "spec.constraints");
        var runs = await RunsAsync(door, instance.Name);
        Assert.Equal(way.BestThen.OfferId, runs.Placement.Offer.OfferId);
    }

    private static void Loosen(SmartConstraints constraints, RelaxedConstraint change)
    {
        switch (change.Constraint)
        {
            case "max_price":
                constraints.MaxPricePerHourMicroEur = (long)(
                    decimal.Parse(change.To, CultureInfo.InvariantCulture) * 1_000_000
                );
                break;
            case "regions":
                constraints.Regions.Add(change.To);
                break;
            case "providers":
                constraints.Providers.Add(change.To);
                break;
            case "capacity_tier":
                constraints.MinimumTier = System.Enum.Parse<CapacityTier>(change.To, ignoreCase: true);
                break;
            default:
                Assert.Fail($"Not asked for, so nothing to loosen: {change}");
                break;
        }
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
