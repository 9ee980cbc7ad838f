using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Xunit;

namespace Scheduler.DomainTests.Placement;

public sealed class WhyNotTests
{
    [Fact]
    public void Every_failing_constraint_is_named_for_200000_pairs_of_offer_and_request()
    {
        var catalogues = new Catalogues(20_261_123);
        var offers = catalogues.Offers(400);
        for (var i = 0; i < MutationRun.Cases(500); i++)
        {
            var request = catalogues.Request();
            foreach (var offer in offers)
            {
                var answer = WhyNot.Of(offer, request);
                var expected = NaivePlacement.Constraints(request).Where(constraint => !constraint.Admits(offer));
                if (
                    !expected
                        .Select(constraint => constraint.Name)
                        .SequenceEqual(answer.Misses.Select(miss => miss.Constraint))
                )
                {
                    Assert.Fail($"Request {i}: {request}; {offer}; got {string.Join("; ", answer.Misses)}");
                }
            }
        }
    }

    [Fact]
    public void Margins_have_a_value_and_a_unit()
    {
        var offer = Catalogues.Example with { Tier = CapacityTier.Community, GpuCount = 2, Available = 0, Spot = true };
        var request = new PlacementRequest
        {
            Constraints = new SmartConstraints
            {
                MaxPricePerHour = new MicroEuro(1_100_000),
                MinimumTier = CapacityTier.Dedicated,
                GpuCount = 8,
                SpotAllowed = false,
                RequireEncryptedPath = true,
            },
        };

        var misses = WhyNot.Of(offer, request).Misses;

        Assert.Equal(
            [
                ("available", 1, "instances"),
                ("spot", null, null),
                ("encrypted_path", null, null),
                ("capacity_tier", 2, "tiers"),
                ("max_price", 190_000, "micro_eur_per_hour"),
                ("gpu_count", 6, "gpus"),
            ],
            misses.Select(miss => (miss.Constraint, miss.Margin, miss.Unit))
        );
        Assert.Equal("max_price: wanted at most 1.10 EUR/h, offered 1.29 EUR/h", misses[4].ToString());
    }

    [Fact]
    public void An_offer_is_found_only_by_its_provider_and_id()
    {
        var snapshot = OfferSnapshot.Build([Catalogues.Example], 1);
        var request = new PlacementRequest();

        Assert.True(WhyNot.ForOffer(snapshot, request, new ProviderId("alpha"), "a-1")?.Matches);
        Assert.Null(WhyNot.ForOffer(snapshot, request, new ProviderId("alpha"), "a-2"));
        Assert.Null(WhyNot.ForOffer(snapshot, request, new ProviderId("bravo"), "a-1"));
    }

    [Fact]
    public void Counts_per_provider_and_gpu_type_equal_brute_force()
    {
        var catalogues = new Catalogues(5);
        var offers = catalogues.Offers(300);
        var snapshot = OfferSnapshot.Build(offers, 1);
        for (var i = 0; i < 50; i++)
        {
            var request = catalogues.Request();
            Check(
                WhyNot.ForProvider(snapshot, request, new ProviderId("bravo")),
                offers.FindAll(offer => offer.Provider.Value is "bravo"),
                request
            );
            Check(WhyNot.ForGpuType(snapshot, request, "L4"), offers.FindAll(offer => offer.GpuType is "L4"), request);
        }

        Assert.Equal(0, WhyNot.ForGpuType(snapshot, new PlacementRequest(), "B200").Offers);
    }

    private static void Check(GroupWhyNot answer, List<Offer> offers, PlacementRequest request)
    {
        var refusing = offers.ConvertAll(offer => NaivePlacement.Refusing(offer, request));
        Assert.Equal(offers.Count, answer.Offers);
        Assert.Equal(refusing.Count(set => set.Count == 0), answer.Matching);
        Assert.Equal(refusing.Min(set => set.Count), answer.Nearest?.Misses.Length);
        Assert.All(
            PlacementSolver.ConstraintNames,
            name =>
                Assert.Equal(
                    refusing.Count(set => set.Contains(name)),
                    answer
                        .Refusals.FirstOrDefault(refusals =>
                            string.Equals(refusals.Constraint, name, StringComparison.Ordinal)
                        )
                        .Offers
                )
        );
    }
}
