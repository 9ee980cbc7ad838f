using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Xunit;

namespace Scheduler.DomainTests.Placement;

/// <summary>The text of a request that nothing matches, built from its funnel and its relaxations.</summary>
public sealed class SmartNoMatchFactsTests
{
    private static readonly Offer Example = Catalogues.Example;

    [Fact]
    public void The_funnel_names_only_the_constraints_that_removed_offers()
    {
        Offer[] offers =
        [
            Example with
            {
                Spot = true,
            },
            Example with
            {
                OfferId = "a-2",
                Spot = true,
                Region = "us-east",
            },
            Example with
            {
                OfferId = "a-3",
                Region = "us-east",
            },
        ];
        var facts = Facts(offers, new SmartConstraints { SpotAllowed = false, Regions = ["eu-west"] });

        Assert.Equal(
            [
                "spot: 2 removed (1 by it alone): spot capacity, which the request does not allow",
                "regions: 1 removed (1 by it alone): a region that is not on the list",
            ],
            facts.FunnelLines
        );
        var failure = FailureCatalogue.Describe(facts);
        Assert.Equal(
            "None of 3 offers satisfies the constraints (spot alone removes 1, regions alone removes 1).",
            failure.Message
        );
        Assert.Equal(
            "Change allow spot: 1 offer, best 1.29 EUR/h | or change add region us-east (leaves what the request names): 1 offer, best 1.29 EUR/h; "
                + "then start again.",
            failure.Hint
        );
        Assert.Equal(
            [
                "allow spot: 1 offer, best 1.29 EUR/h",
                "add region us-east (leaves what the request names): 1 offer, best 1.29 EUR/h",
            ],
            [failure.Details["relaxation_1"], failure.Details["relaxation_2"]]
        );
        Assert.Equal("3", failure.Details["offers_in"]);
    }

    [Fact]
    public void A_stage_that_removed_offers_only_alone_or_only_with_others_is_named()
    {
        Offer[] both = [Example with { Spot = true, Region = "us-east" }];
        var facts = Facts(both, new SmartConstraints { SpotAllowed = false, Regions = ["eu-west"] });
        Assert.Equal(["spot"], facts.Stages.Select(stage => stage.Constraint));
        var failure = FailureCatalogue.Describe(facts);
        Assert.Equal("None of 1 offers satisfies the constraints.", failure.Message);
        Assert.StartsWith(
            "Change allow spot and add region us-east (leaves what the request names): ",
            failure.Hint,
            StringComparison.Ordinal
        );
    }

    [Theory]
    [InlineData(0, 0, "Try again later: no provider lists any offer.")]
    [InlineData(2, 0, "Try again later.")]
    [InlineData(2, 1, "Wait: 1 matching offer is not available now.")]
    [InlineData(2, 2, "Wait: 2 matching offers are not available now.")]
    public void Without_a_relaxation_the_caller_waits(int offersIn, int later, string hint) =>
        Assert.Equal(hint, FailureCatalogue.Describe(new SmartNoMatchFacts(offersIn, [], [], later)).Hint);

    [Fact]
    public void Waiting_is_named_after_the_relaxations()
    {
        var facts = Facts(
            [Example with { Spot = true }, Example with { OfferId = "a-2", Available = 0 }],
            new SmartConstraints { SpotAllowed = false }
        );
        Assert.Equal(
            ["allow spot: 1 offer, best 1.29 EUR/h", "or wait: 1 matching offer is not available now"],
            facts.Instructions
        );
    }

    [Fact]
    public void The_hint_names_three_ways_and_the_details_name_twenty()
    {
        var relaxation = Facts(
            [Example with { Spot = true }],
            new SmartConstraints { SpotAllowed = false }
        ).Relaxations[0];
        var facts = new SmartNoMatchFacts(1, [], [.. Enumerable.Repeat(relaxation, 25)], 0);
        var failure = FailureCatalogue.Describe(facts);
        Assert.Equal(3, failure.Hint.Split("allow spot").Length - 1);
        Assert.Equal(25, facts.Instructions.Length);
        Assert.True(failure.Details.ContainsKey("relaxation_20"));
        Assert.False(failure.Details.ContainsKey("relaxation_21"));
        Assert.True(failure.Details.ContainsKey("relaxation_8_spot_allowed"));
        Assert.False(failure.Details.ContainsKey("relaxation_9_spot_allowed"));
    }

    [Fact]
    public void Each_edit_says_from_where_to_where()
    {
        var asked = new SmartConstraints
        {
            MaxPricePerHour = new MicroEuro(1_000_000),
            MinimumTier = CapacityTier.Dedicated,
            SpotAllowed = false,
            GpuType = "H100",
            GpuCount = 8,
            Providers = ["bravo"],
            Regions = ["us-east"],
        };
        var relaxation = Assert.Single(Facts([Example with { Spot = true }], asked).Relaxations);
        Assert.Equal(
            [
                ("spot", "on demand", "spot", "allow spot"),
                ("capacity_tier", "dedicated", "standard", "accept tier standard"),
                ("max_price", "1.00", "1.29", "max price 1.00 → 1.29 EUR/h"),
                ("providers", "bravo", "alpha", "add provider alpha"),
                ("gpu_type", "H100", "L40S", "GPU type H100 → L40S"),
                ("gpu_count", "8", "1", "GPU count 8 → 1"),
                ("regions", "us-east", "eu-west", "add region eu-west"),
            ],
            relaxation.Edits.Select(edit => (edit.Constraint, edit.From, edit.To, edit.Text))
        );
        Assert.Equal(new MicroEuro(290_000), relaxation.PriceDelta);
    }

    [Fact]
    public void Each_miss_says_what_was_wanted_and_what_is_offered()
    {
        var request = new PlacementRequest
        {
            Constraints = new SmartConstraints
            {
                MaxPricePerHour = new MicroEuro(1_000_000),
                MinimumTier = CapacityTier.Dedicated,
                SpotAllowed = false,
                GpuType = "H100",
                GpuCount = 8,
                Providers = ["bravo", "charlie"],
                Regions = ["us-east", "us-west"],
            },
            Fit = new ShapeFit(_ => false),
            State = new PlacementState { Draining = [new ProviderId("alpha")] },
        };
        var misses = WhyNot.Of(Example with { Spot = true, Available = 0 }, request).Misses;
        Assert.Equal(
            [
                "available: wanted 1, offered 0",
                "spot: wanted on demand, offered spot",
                "capacity_tier: wanted at least dedicated, offered standard",
                "max_price: wanted at most 1.00 EUR/h, offered 1.29 EUR/h",
                "provider_health: wanted in service, offered draining",
                "providers: wanted one of bravo, charlie, offered alpha",
                "gpu_type: wanted H100, offered L40S",
                "gpu_count: wanted 8, offered 1",
                "regions: wanted one of us-east, us-west, offered eu-west",
                "fits_gpu: wanted fits the model, offered 1 × L40S",
            ],
            misses.Select(miss => miss.ToString())
        );
        var open = request with { State = new PlacementState { BreakerOpen = [new ProviderId("alpha")] } };
        Assert.Contains("circuit breaker open", WhyNot.Of(Example, open).Misses.Select(miss => miss.Offered));
    }

    [Fact]
    public void A_relaxation_that_leaves_what_is_named_is_marked_in_the_details_and_unknown_names_are_told()
    {
        var facts = Facts(
            [Example with { Spot = true }],
            new SmartConstraints { SpotAllowed = false, Regions = ["mars"] }
        );
        var failure = FailureCatalogue.Describe(facts with { Unknown = ["No offer is in region `mars`."] });
        Assert.Equal("regions", failure.Details["relaxation_1_leaves"]);
        Assert.EndsWith(" No offer is in region `mars`.", failure.Message, StringComparison.Ordinal);
        var kept = Facts([Example with { Spot = true }], new SmartConstraints { SpotAllowed = false });
        Assert.False(FailureCatalogue.Describe(kept).Details.ContainsKey("relaxation_1_leaves"));
    }

    [Fact]
    public void At_least_one_offer_has_to_be_ranked()
    {
        var snapshot = OfferSnapshot.Build([Example], 1);
        Assert.Throws<ArgumentException>(() => PlacementSolver.Solve(snapshot, new PlacementRequest { Top = 0 }));
        Assert.Single(PlacementSolver.Solve(snapshot, new PlacementRequest { Top = 1 }).Ranked);
    }

    private static SmartNoMatchFacts Facts(Offer[] offers, SmartConstraints asked) =>
        SmartNoMatchFacts.Of(
            PlacementSolver.Solve(OfferSnapshot.Build(offers, 1), new PlacementRequest { Constraints = asked })
        );
}
