using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Placement;
using Xunit;

namespace Scheduler.DomainTests.Placement;

/// <summary>Stored values of relaxations, at the edges of what is accepted.</summary>
public sealed class RelaxationDetailsTests
{
    private static readonly SmartConstraints Asked = new()
    {
        MaxPricePerHour = new MicroEuro(10),
        Regions = ["r"],
        MinimumTier = CapacityTier.Standard,
        SpotAllowed = false,
        RequireEncryptedPath = true,
        GpuType = "L40S",
        GpuCount = 2,
        Providers = ["p"],
    };

    [Fact]
    public void Each_valid_value_is_applied()
    {
        Assert.Equal(11, Follow("max_price_per_hour_micro_eur", "11")!.MaxPricePerHour!.Value.Value);
        Assert.Equal(["r", "s"], Follow("add_region", "s")!.Regions);
        Assert.Equal(CapacityTier.Community, Follow("minimum_tier", "community")!.MinimumTier);
        Assert.True(Follow("spot_allowed", "true")!.SpotAllowed);
        Assert.False(Follow("require_encrypted_path", "false")!.RequireEncryptedPath);
        Assert.Equal("L4", Follow("gpu_type", "L4")!.GpuType);
        Assert.Equal(64, Follow("gpu_count", "64")!.GpuCount);
        Assert.Equal(1, Follow("gpu_count", "1")!.GpuCount);
        Assert.Equal(["p", "q-1"], Follow("add_provider", "q-1")!.Providers);
    }

    [Theory]
    [InlineData("max_price_per_hour_micro_eur", "10")]
    [InlineData("max_price_per_hour_micro_eur", "9")]
    [InlineData("max_price_per_hour_micro_eur", "0")]
    [InlineData("add_region", "r")]
    [InlineData("minimum_tier", "standard")]
    [InlineData("minimum_tier", "dedicated")]
    [InlineData("add_provider", "p")]
    public void A_value_that_is_admitted_already_changes_nothing(string name, string value) =>
        Assert.Same(Asked, Unchanged(Follow(name, value)));

    [Theory]
    [InlineData("max_price_per_hour_micro_eur", "-1")]
    [InlineData("add_region", "")]
    [InlineData("add_region", "a\nb")]
    [InlineData("minimum_tier", "best")]
    [InlineData("spot_allowed", "false")]
    [InlineData("require_encrypted_path", "true")]
    [InlineData("gpu_type", "")]
    [InlineData("gpu_type", "a\tb")]
    [InlineData("gpu_count", "0")]
    [InlineData("gpu_count", "65")]
    [InlineData("add_provider", "")]
    [InlineData("add_provider", "P")]
    [InlineData("add_provider", "p_")]
    [InlineData("nothing", "1")]
    public void An_invalid_value_makes_the_whole_relaxation_invalid(string name, string value)
    {
        Assert.Null(Follow(name, value));
        Assert.Equal(name == "nothing", Follow((name, value), Other(name)) is not null);
    }

    [Fact]
    public void Words_are_accepted_up_to_their_length()
    {
        Assert.NotNull(Follow("add_region", new string('x', 64)));
        Assert.Null(Follow("add_region", new string('x', 65)));
        Assert.NotNull(Follow("gpu_type", new string('x', 64)));
        Assert.Null(Follow("gpu_type", new string('x', 65)));
        Assert.NotNull(Follow("add_provider", new string('x', 63)));
        Assert.Null(Follow("add_provider", new string('x', 64)));
    }

    [Fact]
    public void A_list_grows_up_to_its_length()
    {
        var list = Enumerable.Range(0, 63).Select(i => $"x{i}").ToImmutableArray();
        var almost = Asked with { Regions = list, Providers = list };
        Assert.Equal(64, Follow(almost, ("add_region", "r"))!.Regions.Length);
        Assert.Equal(64, Follow(almost, ("add_provider", "r"))!.Providers.Length);
        var full = Asked with { Regions = list.Add("y"), Providers = list.Add("y") };
        Assert.Null(Follow(full, ("add_region", "r")));
        Assert.Null(Follow(full, ("add_provider", "r")));
        Assert.Equal(Text(full), Text(Follow(full, ("add_region", "y"))));
    }

    [Fact]
    public void What_is_not_restricted_stays_so()
    {
        var loosened = Follow(
            SmartConstraints.None,
            ("max_price_per_hour_micro_eur", "1"),
            ("add_region", "s"),
            ("gpu_type", "L4"),
            ("gpu_count", "4"),
            ("add_provider", "q")
        )!;
        Assert.Null(loosened.MaxPricePerHour);
        Assert.Empty(loosened.Regions);
        Assert.Null(loosened.GpuType);
        Assert.Null(loosened.GpuCount);
        Assert.Empty(loosened.Providers);
    }

    [Fact]
    public void Every_relaxation_is_written_so_that_it_can_be_followed()
    {
        for (var (seed, seen) = (0, 0); seen < 200; seed++)
        {
            var catalogues = new Catalogues(seed);
            var offers = catalogues.Offers(20);
            var request = catalogues.Request();
            var relaxations = PlacementSolver.Solve(OfferSnapshot.Build(offers, 1), request).Relaxations;
            var details = RelaxationDetails.Of(relaxations).ToImmutableSortedDictionary();
            for (var i = 0; i < relaxations.Length; i++, seen++)
            {
                var prefix = RelaxationDetails.Prefix(i + 1);
                var followed = RelaxationDetails.Follow(details, prefix, request.Constraints);
                Assert.Equal(i < RelaxationDetails.Most, followed is not null);
                Assert.Equal(followed is null ? null : Text(relaxations[i].Loosened), Text(followed));
                Assert.Equal(
                    followed is null ? null : $"{relaxations[i].Best.PricePerHour.Value}",
                    details.GetValueOrDefault($"{prefix}best_price_per_hour_micro_eur")
                );
            }
        }
    }

    private static (string, string) Other(string name) => name == "gpu_count" ? ("gpu_type", "L4") : ("gpu_count", "3");

    private static string? Text(SmartConstraints? constraints) =>
        constraints is null
            ? null
            : $"{constraints.MaxPricePerHour}|{string.Join(',', constraints.Regions)}|{constraints.MinimumTier}|"
                + $"{constraints.SpotAllowed}|{constraints.RequireEncryptedPath}|{constraints.GpuType}|{constraints.GpuCount}|"
                + string.Join(',', constraints.Providers);

    private static SmartConstraints? Unchanged(SmartConstraints? followed) =>
        Text(followed) == Text(Asked) ? Asked : null;

    private static SmartConstraints? Follow(string name, string value) => Follow(Asked, (name, value));

    private static SmartConstraints? Follow(params (string Name, string Value)[] values) => Follow(Asked, values);

    private static SmartConstraints? Follow(SmartConstraints asked, params (string Name, string Value)[] values) =>
        RelaxationDetails.Follow(values.ToImmutableSortedDictionary(v => "x_" + v.Name, v => v.Value), "x_", asked);
}
