using FsCheck;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Xunit;

namespace Scheduler.DomainTests.Placement;

public sealed class RelaxationTests
{
    [LongProperty(2000)]
    public void The_relaxations_equal_the_minimal_sets_of_brute_force(DoNotSize<int> seed, byte size)
    {
        var catalogues = new Catalogues(seed.Item);
        var offers = catalogues.Offers(size / 4);
        var request = catalogues.Request();

        var decision = PlacementSolver.Solve(OfferSnapshot.Build(offers, 1), request);

        if (decision.Matched)
        {
            Assert.Empty(decision.Relaxations);
            return;
        }

        Assert.Equal(
            Names(NaivePlacement.MinimalRelaxations(offers, request)),
            Names(decision.Relaxations.Select(relaxation => relaxation.Edits.Select(edit => edit.Constraint)))
        );
    }

    [LongProperty(1000)]
    public void Applying_a_relaxation_gives_exactly_the_promised_offers(DoNotSize<int> seed, byte size)
    {
        var catalogues = new Catalogues(seed.Item);
        var offers = catalogues.Offers(size / 3);
        var request = catalogues.Request();
        var snapshot = OfferSnapshot.Build(offers, 1);

        foreach (var relaxation in PlacementSolver.Solve(snapshot, request).Relaxations)
        {
            var followed = request with { Constraints = relaxation.Loosened };
            var matching = NaivePlacement.Rank(offers, followed);
            Assert.Equal(matching.Count, relaxation.Offers);
            Assert.Equal(matching[0], relaxation.Best);
            Assert.True(relaxation.OffersInReach >= relaxation.Offers);
            Assert.Equal(
                request.Constraints.MaxPricePerHour is { } most ? matching[0].PricePerHour - most : null,
                relaxation.PriceDelta
            );
        }
    }

    [LongProperty(1000)]
    public void A_relaxation_targets_the_nearest_offer(DoNotSize<int> seed, byte size)
    {
        var catalogues = new Catalogues(seed.Item);
        var offers = catalogues.Offers(size / 3);
        var request = catalogues.Request();

        foreach (var relaxation in PlacementSolver.Solve(OfferSnapshot.Build(offers, 1), request).Relaxations)
        {
            var names = relaxation.Edits.Select(edit => edit.Constraint).ToHashSet();
            Assert.Equal(NaivePlacement.Nearest(offers, request, names), relaxation.Best);
            Assert.Equal(
                offers.Count(offer => NaivePlacement.Refusing(offer, request).SetEquals(names)),
                relaxation.OffersInReach
            );
        }
    }

    [LongProperty(1000)]
    public void Relaxations_that_keep_what_is_named_come_first_then_the_nearest(DoNotSize<int> seed, byte size)
    {
        HashSet<string> naming = ["regions", "providers", "gpu_type"];
        var catalogues = new Catalogues(seed.Item);
        var offers = catalogues.Offers(size / 3);
        var request = catalogues.Request();
        var asked = request.Constraints.GpuType;

        var found = PlacementSolver.Solve(OfferSnapshot.Build(offers, 1), request).Relaxations;

        Assert.All(
            found,
            one => Assert.Equal(one.Edits.Select(edit => edit.Constraint).Where(naming.Contains), one.Leaves)
        );
        var sorted = found
            .OrderBy(one => one.Edits.Any(edit => naming.Contains(edit.Constraint)))
            .ThenBy(one => one.Edits.Length)
            .ThenBy(one => asked is null ? 0 : NaivePlacement.MemoryDistance(asked, one.Best.GpuType))
            .ThenBy(one => one.Best.PricePerHour.Value);
        Assert.Equal(sorted.Select(one => one.ToString()), found.Select(one => one.ToString()));
    }

    [Fact]
    public void Another_GPU_type_is_the_nearest_in_memory_and_not_the_cheapest()
    {
        var small = Catalogues.Example with { GpuType = "L4", PricePerHour = new MicroEuro(500_000) };
        var near = small with { OfferId = "a-2", GpuType = "A100-80GB-SXM", PricePerHour = new MicroEuro(1_900_000) };
        var large = small with { OfferId = "a-3", GpuType = "B200-SXM", PricePerHour = new MicroEuro(1_500_000) };
        var elsewhere = small with { OfferId = "a-4", GpuType = "H100-80GB-SXM", Region = "us-east" };
        var request = new PlacementRequest
        {
            Constraints = new SmartConstraints { GpuType = "H100-80GB-SXM", Regions = ["eu-west"] },
        };

        var found = PlacementSolver.Solve(OfferSnapshot.Build([small, near, large, elsewhere], 1), request).Relaxations;

        Assert.Equal(
            [
                "add region us-east (leaves what the request names): 1 offer, best 0.50 EUR/h",
                "GPU type H100-80GB-SXM → A100-80GB-SXM (leaves what the request names): 1 offer, best 1.90 EUR/h",
            ],
            found.Select(one => one.ToString())
        );
    }

    [LongProperty(1000)]
    public void No_shape_fits_and_match_later_equal_their_definitions(DoNotSize<int> seed, byte size)
    {
        var catalogues = new Catalogues(seed.Item);
        var offers = catalogues.Offers(size / 8);
        var request = catalogues.Request();
        HashSet<string> notTheCallers = ["available", "provider_health", "fits_gpu"];

        var decision = PlacementSolver.Solve(OfferSnapshot.Build(offers, 1), request);

        if (decision.Matched)
        {
            Assert.False(decision.NoShapeFits);
            Assert.Equal(0, decision.MatchLater);
            return;
        }

        var left = offers.Where(offer => NaivePlacement.Refusing(offer, request).IsSubsetOf(notTheCallers)).ToList();
        Assert.Equal(left.Count(Fits), decision.MatchLater);
        var atAnyPrice = offers
            .Where(offer => NaivePlacement.Refusing(offer, request).IsSubsetOf([.. notTheCallers, "max_price"]))
            .ToList();
        Assert.Equal(
            atAnyPrice.Count > 0 ? !atAnyPrice.Exists(Fits) : offers.Count > 0 && !offers.Exists(Fits),
            decision.NoShapeFits
        );

        bool Fits(Offer offer) => !NaivePlacement.Refusing(offer, request).Contains("fits_gpu");
    }

    [Fact]
    public void Instructions_name_the_change_and_the_best_offer()
    {
        var offer = Catalogues.Example;
        var spot = offer with { OfferId = "a-2", Spot = true, PricePerHour = new MicroEuro(1_000_000) };
        var north = offer with { OfferId = "a-3", Region = "eu-north", PricePerHour = new MicroEuro(1_050_000) };
        var community = north with { OfferId = "a-4", Region = "eu-west", Tier = CapacityTier.Community };
        var gone = offer with { OfferId = "a-5", PricePerHour = new MicroEuro(900_000), Available = 0 };
        var bravo = community with
        {
            OfferId = "b-1",
            Provider = new ProviderId("bravo"),
            PricePerHour = new MicroEuro(1_000_000),
            Tier = CapacityTier.Dedicated,
        };
        var request = new PlacementRequest
        {
            Constraints = new SmartConstraints
            {
                MaxPricePerHour = new MicroEuro(1_100_000),
                Regions = ["eu-west"],
                SpotAllowed = false,
                MinimumTier = CapacityTier.Standard,
                Providers = ["alpha"],
            },
        };

        var decision = PlacementSolver.Solve(
            OfferSnapshot.Build([offer, spot, north, community, gone, bravo], 1),
            request
        );
        var facts = SmartNoMatchFacts.Of(decision);

        Assert.Equal(FailureCode.SmartNoMatch, facts.Code);
        Assert.Equal(
            [
                "allow spot: 1 offer, best 1.00 EUR/h",
                "accept tier community: 1 offer, best 1.05 EUR/h",
                "max price 1.10 → 1.29 EUR/h: 1 offer, best 1.29 EUR/h",
                "add provider bravo (leaves what the request names): 1 offer, best 1.00 EUR/h",
                "add region eu-north (leaves what the request names): 1 offer, best 1.05 EUR/h",
                "or wait: 1 matching offer is not available now",
            ],
            facts.Instructions
        );
        Assert.Equal("available: 1 removed (1 by it alone): none available now; it may be later", facts.FunnelLines[0]);
        Assert.Equal(new MicroEuro(190_000), decision.Relaxations[2].PriceDelta);
    }

    [Fact]
    public void One_tier_down_is_nearer_than_a_cheaper_offer_two_tiers_down()
    {
        var standard = Catalogues.Example;
        var community = standard with
        {
            OfferId = "a-2",
            Tier = CapacityTier.Community,
            PricePerHour = new MicroEuro(1),
        };
        var request = new PlacementRequest
        {
            Constraints = new SmartConstraints { MinimumTier = CapacityTier.Dedicated },
        };

        var relaxation = Assert.Single(
            PlacementSolver.Solve(OfferSnapshot.Build([standard, community], 1), request).Relaxations
        );

        Assert.Equal(CapacityTier.Standard, relaxation.Loosened.MinimumTier);
        Assert.Equal(2, relaxation.OffersInReach);
    }

    [Fact]
    public void What_a_price_cures_is_no_missing_fit()
    {
        var small = Catalogues.Example;
        var big = small with { OfferId = "a-8", GpuCount = 8, PricePerHour = new MicroEuro(8_000_000) };
        var snapshot = OfferSnapshot.Build([small, big], 1);
        var fit = new ShapeFit(shape => shape.GpuCount == 8);
        var cheap = new SmartConstraints { MaxPricePerHour = new MicroEuro(2_000_000) };

        var decision = PlacementSolver.Solve(snapshot, new PlacementRequest { Constraints = cheap, Fit = fit });
        Assert.False(decision.NoShapeFits);
        Assert.Equal("max price 2.00 → 8.00 EUR/h", Assert.Single(decision.Relaxations).Edits[0].Text);

        var few = cheap with { GpuCount = 1 };
        decision = PlacementSolver.Solve(snapshot, new PlacementRequest { Constraints = few, Fit = fit });
        Assert.True(decision.NoShapeFits);

        var elsewhere = cheap with { MaxPricePerHour = null, Regions = ["mars"] };
        decision = PlacementSolver.Solve(snapshot, new PlacementRequest { Constraints = elsewhere, Fit = fit });
        Assert.False(decision.NoShapeFits);
    }

    private static List<string> Names(IEnumerable<IEnumerable<string>> sets) =>
        [.. sets.Select(set => string.Join('+', set.Order(StringComparer.Ordinal))).Order(StringComparer.Ordinal)];
}
