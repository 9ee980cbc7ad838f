using System.Collections.Immutable;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Grains;
using Scheduler.Grains.Instances;
using Scheduler.Grains.Models;
using Scheduler.ModelFit;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.ClusterTests.Instances;

/// <summary>Names in a launch spec that nothing knows, and aliases.</summary>
public sealed class LaunchNamesTests
{
    [Fact]
    public async Task Create_change_and_explain_refuse_unknown_names_at_their_fields()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var spec = Make.Spec(new SmartConstraints { GpuType = "L40X", Regions = ["eu-west", "eu-wset"] }) with
        {
            Model = "Qwen2.5-7B",
            Runtime = "vlm",
        };
        FieldFault[] expected =
        [
            new("spec.model", SpecNames.UnknownModel("Qwen2.5-7B", ModelCatalogue.Names)),
            new("spec.constraints.gpu_type", "No offer has GPU type `L40X`; `L40`, `L40S` exist."),
            new("spec.constraints.regions[1]", "No offer is in region `eu-wset`; `eu-west` exists."),
            new("spec.runtime", "No runtime preset is named `vlm`; `vllm`, `trtllm-serve` exist."),
        ];
        Assert.Contains("`Qwen/Qwen2.5-7B`", expected[0].Description, StringComparison.Ordinal);

        var fresh = scheduler.NewInstanceId();
        AssertInvalid(expected, (await scheduler.TryCreateAsync(account, fresh, spec, "chat")).Refusal);
        AssertInvalid(expected, (await scheduler.Grains.Fleet().ExplainAsync(account, spec)).Refusal);
        var id = await scheduler.CreateAsync(account, name: "chat");
        AssertInvalid(expected, (await ChangeAsync(scheduler, id, spec)).Refusal);
        Assert.Equal(1, (await scheduler.SeeAsync(id)).Generation);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task An_alias_is_stored_as_the_GPU_type_that_it_means()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var spec = Make.Spec(new SmartConstraints { GpuType = "nvidia l40s" });

        var explained = TestScheduler.Good(await scheduler.Grains.Fleet().ExplainAsync(account, spec));
        Assert.True(explained.WouldLaunch);
        var running = await scheduler.RunningAsync(account, spec);

        Assert.Equal("L40S", running.Spec.Constraints.GpuType);
        Assert.Equal("L40S", running.Intent!.Offer.GpuType);
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task Sold_out_drained_and_vanished_offers_keep_their_names_known()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
        {
            s.AddProvider("cloud");
            s.AddProvider("other").Offers = [Make.Offer("other", "us-east", available: 0)];
        });
        var account = await scheduler.AccountAsync();
        var other = scheduler.Grains.Provider(new ProviderId("other"));
        var spec = Make.Spec(new SmartConstraints { Regions = ["us-east"], Providers = ["other"] });
        await scheduler.CreateAsync(account, spec);

        TestScheduler.Good(await other.DrainAsync("maintenance", scheduler.As(null)));
        await scheduler.CreateAsync(account, spec);

        scheduler.Providers[1].Offers = [];
        TestScheduler.Good(await other.RefreshAsync());
        await scheduler.CreateAsync(account, spec);

        scheduler.Providers[1].ListingFails = true;
        TestScheduler.Good(await other.RefreshAsync());
        await scheduler.CreateAsync(account, spec);
    }

    [Fact]
    public async Task A_region_is_unknown_only_after_every_provider_has_listed_its_offers()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
        {
            s.AddProvider("cloud");
            s.AddProvider("late").ListingFails = true;
        });
        var account = await scheduler.AccountAsync();
        var spec = Make.Spec(new SmartConstraints { Regions = ["mars"] });
        var id = await scheduler.CreateAsync(account, spec);

        scheduler.Providers[1].ListingFails = false;
        TestScheduler.Good(await scheduler.Grains.Provider(new ProviderId("late")).RefreshAsync());

        var refused = await scheduler.TryCreateAsync(account, scheduler.NewInstanceId(), spec);
        Assert.Equal(RefusalKind.Invalid, refused.Refusal?.Kind);

        // The stored spec stays: it can be changed elsewhere, and a start says what is unknown.
        TestScheduler.Good(await ChangeAsync(scheduler, id, spec with { ContextTokens = 4096 }));
        var start = await scheduler.LaunchAsync(id);
        Assert.Equal(FailureCode.SmartNoMatch, start.Refusal?.Failure?.Code);
        Assert.Contains("No offer is in region `mars`", start.Refusal!.Message, StringComparison.Ordinal);
        var explained = TestScheduler.Good(await scheduler.Grains.Instance(id).ExplainAsync(account));
        Assert.Equal(start.Refusal.Message, explained.Failure?.Message);
        Assert.All(explained.Relaxations, change => Assert.Equal(["regions"], change.Leaves));
    }

    [Fact]
    public async Task A_registered_model_is_known_to_its_account_only_INV_08()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var owner = await scheduler.AccountAsync("owner");
        var stranger = await scheduler.AccountAsync("stranger");
        var config = EmbeddedData.Model(
            EmbeddedData.ModelFiles.First(file => file.EndsWith(".config.json", StringComparison.Ordinal))
        );
        var register = new RegisterModel(owner, "house/secret-model", null, config, null, null);
        TestScheduler.Good(
            await scheduler.Grains.Model(owner, register.Name).RegisterAsync(register, scheduler.As(owner))
        );

        var spec = Make.Spec() with { Model = register.Name };
        await scheduler.CreateAsync(owner, spec);
        Assert.Contains("`house/secret-model` exists", await FaultAsync(owner), StringComparison.Ordinal);
        Assert.DoesNotContain("house/secret-model", await FaultAsync(stranger), StringComparison.Ordinal);

        async Task<string> FaultAsync(AccountId account)
        {
            var typo = spec with { Model = "house/secret-modle" };
            var answer = await scheduler.TryCreateAsync(account, scheduler.NewInstanceId(), typo);
            return Assert.Single(answer.Refusal!.Faults).Description;
        }
    }

    [Fact]
    public async Task The_smallest_that_fits_is_the_smallest_of_the_matching_offers()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
            s.AddProvider("cloud").Offers = [
                Make.Offer(gpu: "RTX3090", count: 4, price: 0.8m),
                Make.Offer(gpu: "A100-80GB-PCIe", price: 1.5m),
                Make.Offer(gpu: "L40S", price: 2.0m, region: "eu-north"),
            ]
        );
        var account = await scheduler.AccountAsync();

        Assert.Equal("1×L40S", await SmallestAsync(SmartConstraints.None));
        Assert.Equal("1×A100-80GB-PCIe", await SmallestAsync(new SmartConstraints { Regions = ["eu-west"] }));
        Assert.Null(await SmallestAsync(new SmartConstraints { MaxPricePerHour = Make.Euros(0.1m) }));

        async Task<string?> SmallestAsync(SmartConstraints constraints) =>
            TestScheduler
                .Good(await scheduler.Grains.Fleet().ExplainAsync(account, Make.Spec(constraints)))
                .Compatibility?.SmallestThatFits;
    }

    /// <summary>F1 and F16: what a caller may not pass is refused by name, before anything happens.</summary>
    [Fact]
    public async Task Create_change_and_explain_refuse_arguments_and_formats_at_their_fields()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var spec = Make.Spec() with
        {
            WeightFormat = "int4",
            RuntimeArguments = ["--seed", "7", "--host=0.0.0.0", "--max-model-len", "1", "--api-key", "X"],
        };
        string[] fields =
        [
            "spec.weight_format",
            "spec.runtime_arguments[2]",
            "spec.runtime_arguments[3]",
            "spec.runtime_arguments[5]",
        ];

        var fresh = scheduler.NewInstanceId();
        AssertFields((await scheduler.TryCreateAsync(account, fresh, spec, "chat")).Refusal);
        AssertFields((await scheduler.Grains.Fleet().ExplainAsync(account, spec)).Refusal);
        var id = await scheduler.CreateAsync(account, name: "chat");
        AssertFields((await ChangeAsync(scheduler, id, spec)).Refusal);
        Assert.Equal(1, (await scheduler.SeeAsync(id)).Generation);

        void AssertFields(Refusal? refusal)
        {
            Assert.Equal(RefusalKind.Invalid, refusal?.Kind);
            Assert.Equal(fields, refusal!.Faults.Select(fault => fault.Field));
        }
    }

    [Fact]
    public async Task A_stored_spec_starts_only_while_the_operator_permits_what_it_asks()
    {
        await using var scheduler = await TestScheduler.DeployAsync(s =>
        {
            s.AddProvider("cloud");
            s.Runtimes.AllowedOptions = ["--trust-remote-code"];
        });
        var account = await scheduler.AccountAsync();
        var id = await scheduler.CreateAsync(account, Make.Spec() with { RuntimeArguments = ["--trust-remote-code"] });

        scheduler.Runtimes.AllowedOptions = [];
        var start = await scheduler.LaunchAsync(id);
        var explained = await scheduler.Grains.Instance(id).ExplainAsync(account);

        Assert.Equal(["spec.runtime_arguments[0]"], start.Refusal!.Faults.Select(fault => fault.Field));
        Assert.Equal(["spec.runtime_arguments[0]"], explained.Refusal!.Faults.Select(fault => fault.Field));
        Assert.Empty(scheduler.Cloud.Calls);
        scheduler.Runtimes.AllowedOptions = ["--trust-remote-code"];
        TestScheduler.Good(await scheduler.LaunchAsync(id));
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task The_judged_plan_is_recorded_and_reaches_the_provider()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();
        var spec = Make.Spec() with
        {
            WeightFormat = "fp8",
            KvFormat = "fp8",
            SequencesAtOnce = 32,
            RuntimeArguments = ["--gpu-memory-utilization", "0.95", "--max-model-len", "8192", "--enforce-eager"],
        };
        Assert.Equal(8192, spec.ContextTokens);

        var running = await scheduler.RunningAsync(account, spec);

        var runtime = scheduler.Cloud.Started!;
        Assert.Equal(["--gpu-memory-utilization", "0.95", "--enforce-eager"], running.Spec.RuntimeArguments);
        Assert.Equal(running.Intent!.Plan, runtime.Plan);
        Assert.Equal(["--enforce-eager"], runtime.ExtraArguments);
        Assert.Equal(
            new LaunchPlan(WeightFormat.Fp8, KvFormat.Fp8, spec.ContextTokens, 1, "vllm")
            {
                SequencesAtOnce = 32,
                MemoryPerMille = 950,
                TensorParallel = running.Intent.Offer.GpuCount,
            },
            runtime.Plan
        );
        await scheduler.SoundAsync();
    }

    [Fact]
    public async Task Explain_tells_how_many_requests_run_together()
    {
        await using var scheduler = await TestScheduler.DeployAsync();
        var account = await scheduler.AccountAsync();

        var free = await FitAsync(Make.Spec());
        var limited = await FitAsync(Make.Spec() with { SequencesAtOnce = 3 });
        var smaller = await FitAsync(Make.Spec() with { KvFormat = "fp8" });

        Assert.Equal(2048, free.TypicalRequestTokens);
        Assert.Equal(free.CacheTokens / 2048, free.ExpectedConcurrency);
        Assert.Equal(3, limited.ExpectedConcurrency);
        Assert.InRange(
            smaller.CacheTokens!.Value,
            (2 * free.CacheTokens!.Value) - 32,
            (2 * free.CacheTokens.Value) + 32
        );

        async Task<CompatibilityCheck> FitAsync(LaunchSpec spec) =>
            TestScheduler.Good(await scheduler.Grains.Fleet().ExplainAsync(account, spec)).Compatibility!;
    }

    private static Task<Answer<InstanceRecord>> ChangeAsync(TestScheduler scheduler, InstanceId id, LaunchSpec spec) =>
        scheduler.Grains.Instance(id).UpdateAsync(new UpdateInstance(spec, null), scheduler.As(null));

    private static void AssertInvalid(FieldFault[] expected, Refusal? refusal)
    {
        Assert.Equal(RefusalKind.Invalid, refusal?.Kind);
        Assert.Equal(expected.ToImmutableArray(), refusal!.Faults);
    }
}
