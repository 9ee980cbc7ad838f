using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.TestKit;
using Xunit;

namespace Scheduler.DomainTests.Instances;

public sealed class SpecNamesTests
{
    private static readonly SpecNames Known = SpecNames
        .Of(["cloud", "other"], ["own-engine"])
        .With(
            OfferSnapshot.Build(
                [
                    Make.Offer(gpu: "H100-80GB-PCIe"),
                    Make.Offer(gpu: "H100-80GB-SXM", region: "eu-north", available: 0),
                    Make.Offer(gpu: "house-made", region: "us-east"),
                ],
                1
            ),
            isComplete: true
        );

    [Theory]
    [InlineData("RTX 4090", "RTX4090")]
    [InlineData("rtx4090", "RTX4090")]
    [InlineData("NVIDIA GeForce RTX 4090", "RTX4090")]
    [InlineData("A6000", "RTX-A6000")]
    [InlineData("nvidia a6000", "RTX-A6000")]
    [InlineData("h100-80gb-pcie", "H100-80GB-PCIe")]
    [InlineData("H100 SXM", "H100-80GB-SXM")]
    [InlineData("AMD Instinct MI300X", "MI300X")]
    [InlineData("House Made", "house-made")]
    [InlineData("GB300", "GB300")]
    public void An_alias_of_one_GPU_type_is_replaced(string word, string name)
    {
        var wish = new SmartConstraints { GpuType = word, GpuPreferences = [word, "L4"] };
        var named = Known.Check(Make.Spec(wish));
        Assert.Empty(named.Faults);
        Assert.Equal(name, named.Spec.Constraints.GpuType);
        Assert.Equal([name, "L4"], named.Spec.Constraints.GpuPreferences);
    }

    [Theory]
    [InlineData("H100", "No offer has GPU type `H100`; `H100-80GB-PCIe`, `H100-80GB-SXM` exist.")]
    [InlineData(
        "A100",
        "No offer has GPU type `A100`; `A100-40GB-PCIe`, `A100-40GB-SXM`, `A100-80GB-PCIe`, `A100-80GB-SXM` exist."
    )]
    [InlineData("house-maid", "No offer has GPU type `house-maid`; `house-made` exists.")]
    [InlineData("Voodoo", "No offer has GPU type `Voodoo`, and none of the 48 known names is like it.")]
    public void An_unclear_or_unknown_GPU_type_is_a_fault_with_the_nearest(string word, string description)
    {
        var named = Known.Check(Make.Spec(new SmartConstraints { GpuType = word }));
        Assert.Equal([("spec.constraints.gpu_type", description)], named.Faults);
    }

    [Fact]
    public void Every_unknown_name_is_a_fault_at_its_path()
    {
        var wish = new SmartConstraints
        {
            Regions = ["eu-north", "eu-nroth"],
            Providers = ["clod"],
            GpuPreferences = ["L4", "Voodoo"],
            ProviderPreferences = ["other", "nobody"],
        };
        var spec = Make.Spec(wish) with { Runtime = "vlm", WeightFormat = "fp9" };

        var named = Known.Check(spec);

        Assert.Equal(
            [
                ("spec.constraints.regions[1]", "No offer is in region `eu-nroth`; `eu-north` exists."),
                ("spec.constraints.providers[0]", "No provider is named `clod`; `cloud` exists."),
                (
                    "spec.constraints.gpu_preferences[1]",
                    "No offer has GPU type `Voodoo`, and none of the 48 known names is like it."
                ),
                ("spec.constraints.provider_preferences[1]", "No provider is named `nobody`; `cloud`, `other` exist."),
                ("spec.weight_format", "No weight format is named `fp9`; `fp8`, `fp32`, `mxfp4`, `nvfp4` exist."),
                ("spec.runtime", "No runtime preset is named `vlm`; `vllm`, `trtllm-serve` exist."),
            ],
            named.Faults
        );
    }

    [Fact]
    public void A_spec_with_known_names_is_returned_itself()
    {
        var spec = Make.Spec(
            new SmartConstraints
            {
                GpuType = "house-made",
                Regions = ["eu-north"],
                Providers = ["other"],
                GpuPreferences = ["GB300"],
                ProviderPreferences = ["cloud"],
            }
        ) with
        {
            Runtime = "own-engine",
            WeightFormat = "fp8",
        };
        Assert.Same(spec, Known.Check(spec).Spec);
    }

    [Fact]
    public void Case_of_a_weight_format_does_not_matter() =>
        Assert.Equal("fp8", Known.Check(Make.Spec() with { WeightFormat = "FP8" }).Spec.WeightFormat);

    [Fact]
    public void A_name_stays_known_when_its_offers_go()
    {
        var later = Known.With(
            OfferSnapshot.Build([Make.Offer(gpu: "new-made", region: "ap-south")], 2),
            isComplete: true
        );
        foreach (var (gpu, region) in new[] { ("house-made", "us-east"), ("new-made", "ap-south") })
        {
            Assert.Empty(later.Check(Make.Spec(new SmartConstraints { GpuType = gpu, Regions = [region] })).Faults);
        }

        Assert.Same(later, later.With(OfferSnapshot.Empty, isComplete: true));
    }

    [Fact]
    public void Before_every_provider_has_listed_an_unknown_region_or_GPU_type_may_still_turn_up()
    {
        var early = SpecNames.Of(["cloud"], []);
        var spec = Make.Spec(
            new SmartConstraints
            {
                GpuType = "Voodoo",
                Regions = ["mars"],
                Providers = ["cloud"],
            }
        );
        Assert.True(early.MustWaitFor(spec));
        Assert.Empty(early.Check(spec).Faults);
        Assert.False(early.MustWaitFor(Make.Spec(new SmartConstraints { GpuType = "L4", Providers = ["cloud"] })));
        Assert.False(Known.MustWaitFor(spec));
        Assert.NotEmpty(early.Check(Make.Spec(new SmartConstraints { Providers = ["nobody"] })).Faults);
    }

    [Fact]
    public void The_names_of_the_stored_spec_are_accepted_in_a_change()
    {
        var stored = Make.Spec(
            new SmartConstraints
            {
                GpuType = "Voodoo",
                Regions = ["mars"],
                Providers = ["gone"],
                GpuPreferences = ["Banshee"],
                ProviderPreferences = ["lost"],
            }
        ) with
        {
            Runtime = "old-engine",
            WeightFormat = "fp9",
        };
        Assert.Equal(7, Known.Check(stored).Faults.Length);
        var change = stored with
        {
            ContextTokens = 1,
            Constraints = stored.Constraints with { Regions = ["mars", "venus"] },
        };
        Assert.Equal("spec.constraints.regions[1]", Assert.Single(Known.Check(change, stored).Faults).Field);
    }

    [Fact]
    public void An_unknown_model_names_the_nearest_models() =>
        Assert.Equal(
            "No model `Qwen2.5-7B` is shipped or registered in the account; `Qwen/Qwen2.5-7B` exists. "
                + "Register a model with its config.json or GGUF header.",
            SpecNames.UnknownModel("Qwen2.5-7B", ["Qwen/Qwen2.5-7B", "meta-llama/Llama-3.1-8B"])
        );
}
