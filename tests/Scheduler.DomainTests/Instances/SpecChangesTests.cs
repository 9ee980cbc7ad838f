using Scheduler.Domain.Billing;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Xunit;

namespace Scheduler.DomainTests.Instances;

/// <summary>The instruction for each kind of change of a spec.</summary>
public sealed class SpecChangesTests
{
    private static readonly LaunchSpec Spec = new()
    {
        Model = "a/b",
        ContextTokens = 2,
        ParallelSequences = 2,
        StartTimeout = TimeSpan.FromSeconds(90),
        Constraints = new SmartConstraints
        {
            MaxPricePerHour = new MicroEuro(1_000_000),
            Regions = ["r"],
            MinimumTier = CapacityTier.Standard,
            SpotAllowed = false,
            GpuType = "L4",
            GpuCount = 2,
            Providers = ["p"],
        },
    };

    [Fact]
    public void Equal_specs_differ_in_nothing() => Assert.Empty(SpecChanges.Between(Spec, Spec with { }));

    [Theory]
    [InlineData(null, null, "Start on any GPU")]
    [InlineData("L40S", null, "Start on L40S")]
    [InlineData("L40S", 2, "Start on 2×L40S")]
    [InlineData("L40S", 1, "Start on 1×L40S")]
    [InlineData(null, 1, "Start on 1 GPU")]
    [InlineData(null, 3, "Start on 3 GPUs")]
    [InlineData("L4", 1, "Start on 1×L4")]
    [InlineData("L4", null, "Start on L4")]
    public void Type_and_number_of_GPUs_are_one_instruction(string? type, int? count, string instruction) =>
        Assert.Equal(instruction, Told(constraints => constraints with { GpuType = type, GpuCount = count }));

    [Theory]
    [InlineData(null, "Accept any price")]
    [InlineData(999_999L, "Lower the max price to 0.999999 EUR/h")]
    [InlineData(1_000_001L, "Raise the max price to 1.000001 EUR/h")]
    public void A_price_is_raised_or_lowered(long? price, string instruction) =>
        Assert.Equal(
            instruction,
            Told(constraints => constraints with { MaxPricePerHour = price is { } p ? new MicroEuro(p) : null })
        );

    [Fact]
    public void A_price_is_set_where_there_was_none() =>
        Assert.Equal(
            "Set the max price to 1.00 EUR/h",
            SpecChanges.Instruction(Spec with { Constraints = Spec.Constraints with { MaxPricePerHour = null } }, Spec)
        );

    [Fact]
    public void Lists_name_what_was_added()
    {
        Assert.Equal("Add the region s", Told(constraints => constraints with { Regions = ["r", "s"] }));
        Assert.Equal("Add the regions s, t", Told(constraints => constraints with { Regions = ["r", "s", "t"] }));
        Assert.Equal("Allow any region", Told(constraints => constraints with { Regions = [] }));
        Assert.Equal("Add the providers q, s", Told(constraints => constraints with { Providers = ["p", "q", "s"] }));
        Assert.Equal("Allow any provider", Told(constraints => constraints with { Providers = [] }));
    }

    [Fact]
    public void Tier_and_spot_capacity_are_named()
    {
        Assert.Equal(
            "Accept the tier community and allow spot capacity",
            Told(constraints => constraints with { MinimumTier = CapacityTier.Community, SpotAllowed = true })
        );
        Assert.Equal(
            "Disallow spot capacity",
            SpecChanges.Instruction(Spec with { Constraints = Spec.Constraints with { SpotAllowed = true } }, Spec)
        );
    }

    [Fact]
    public void Sizes_are_raised_or_reduced()
    {
        Assert.Equal("Raise the context to 1,000 tokens", Said(Spec with { ContextTokens = 1000 }));
        Assert.Equal("Reduce the context to 1 token", Said(Spec with { ContextTokens = 1 }));
        Assert.Equal("Raise the parallel sequences to 3", Said(Spec with { ParallelSequences = 3 }));
        Assert.Equal("Reduce the parallel sequences to 1", Said(Spec with { ParallelSequences = 1 }));
        Assert.Equal(
            "Raise the start timeout to 90.5 s",
            Said(Spec with { StartTimeout = TimeSpan.FromSeconds(90.5) })
        );
        Assert.Equal("Reduce the start timeout to 89 s", Said(Spec with { StartTimeout = TimeSpan.FromSeconds(89) }));
        Assert.Equal("Raise the start timeout to as configured", Said(Spec with { StartTimeout = null }));
        Assert.Equal("Run the model c/d", Said(Spec with { Model = "c/d" }));
    }

    private static string Told(Func<SmartConstraints, SmartConstraints> change) =>
        Said(Spec with { Constraints = change(Spec.Constraints) });

    private static string Said(LaunchSpec to) => SpecChanges.Instruction(Spec, to);
}
