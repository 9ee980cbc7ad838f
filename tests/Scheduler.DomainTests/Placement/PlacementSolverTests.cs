using System.Collections.Immutable;
using FsCheck;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Placement.Constraints;
using Xunit;

namespace Scheduler.DomainTests.Placement;

public sealed class PlacementSolverTests
{
    [LongProperty(1500)]
    public void The_ranking_equals_brute_force(DoNotSize<int> seed, byte size)
    {
        var catalogues = new Catalogues(seed.Item);
        var offers = catalogues.Offers(size * 2);
        var request = catalogues.Request();

        var decision = PlacementSolver.Solve(OfferSnapshot.Build(offers, 7), request);

        var expected = NaivePlacement.Rank(offers, request);
        Assert.Equal(expected.Take(request.Top), decision.Ranked.Select(ranked => ranked.Offer));
        Assert.Equal(expected.Count, decision.Funnel.OffersOut);
        Assert.Equal(expected.Count > 0, decision.Matched);
        Assert.All(
            decision.Ranked,
            ranked => Assert.Equal(NaivePlacement.RanksLast(ranked.Offer, request), ranked.RankedLast)
        );
    }

    [LongProperty(1000)]
    public void The_funnel_equals_brute_force(DoNotSize<int> seed, byte size)
    {
        var catalogues = new Catalogues(seed.Item);
        var offers = catalogues.Offers(size * 3);
        var request = catalogues.Request();

        var funnel = PlacementSolver.Solve(OfferSnapshot.Build(offers, 7), request).Funnel;

        Assert.Equal(offers.Count, funnel.OffersIn);
        Assert.Equal(
            NaivePlacement.Funnel(offers, request),
            funnel.Stages.Select(stage => (stage.Constraint, stage.Removed, stage.RemovedAlone)).ToList()
        );
    }

    [Fact]
    public void The_funnel_equals_brute_force_over_more_than_one_block_of_rows()
    {
        for (var seed = 0; seed < (MutationRun.IsOn ? 1 : 3); seed++)
        {
            var catalogues = new Catalogues(seed);
            var offers = catalogues.Offers(20_000 + seed);
            var request = catalogues.Request();

            var decision = PlacementSolver.Solve(OfferSnapshot.Build(offers, 7), request);

            Assert.Equal(
                NaivePlacement.Funnel(offers, request),
                decision.Funnel.Stages.Select(stage => (stage.Constraint, stage.Removed, stage.RemovedAlone)).ToList()
            );
            Assert.Equal(
                NaivePlacement.Rank(offers, request).Take(request.Top),
                decision.Ranked.Select(ranked => ranked.Offer)
            );
        }
    }

    [LongProperty(1000)]
    public void The_certificate_holds_against_brute_force(DoNotSize<int> seed, byte size)
    {
        var catalogues = new Catalogues(seed.Item);
        var offers = catalogues.Offers(size);
        var request = catalogues.Request();

        var decision = PlacementSolver.Solve(OfferSnapshot.Build(offers, 42), request);

        var matching = NaivePlacement.Rank(offers, request);
        if (matching.Count == 0)
        {
            Assert.Null(decision.Certificate);
            return;
        }

        var chosen = matching[0].PricePerHour;
        Assert.Equal(
            new OptimalityCertificate(
                chosen,
                matching.Min(offer => offer.PricePerHour),
                42,
                matching.Count - 1,
                matching.Count(offer => offer.PricePerHour < chosen)
            ),
            decision.Certificate
        );
    }

    [LongProperty(500)]
    public void A_bit_plane_refuses_the_same_offers_as_the_single_check(DoNotSize<int> seed, byte size)
    {
        var catalogues = new Catalogues(seed.Item);
        var snapshot = OfferSnapshot.Build(catalogues.Offers(size), 1);
        var request = catalogues.Request();
        foreach (var constraint in PlacementSolver.Funnel.Where(constraint => constraint.Asks(request)))
        {
            var dirty = new ulong[snapshot.Words];
            dirty.AsSpan().Fill(0xA5A5_A5A5_A5A5_A5A5);
            var refused = constraint.Refused(snapshot, request, BitPlane.Of(dirty)).Span;
            for (var row = 0; row < snapshot.Count; row++)
            {
                var miss = constraint.Check(snapshot.Columns.At(row), request);
                Assert.Equal(miss is not null, BitPlane.Has(refused, row));
            }
        }
    }

    [LongProperty(300)]
    public void The_order_of_the_offers_does_not_change_the_decision(DoNotSize<int> seed)
    {
        var catalogues = new Catalogues(seed.Item);
        var offers = catalogues.Offers(200);
        var request = catalogues.Request();
        var shuffled = offers.ToArray();
        new Random(seed.Item).Shuffle(shuffled);

        var one = PlacementSolver.Solve(OfferSnapshot.Build(offers, 3), request);
        var two = PlacementSolver.Solve(OfferSnapshot.Build(shuffled, 3), request);

        Assert.Equal(one.Ranked.ToList(), two.Ranked.ToList());
        Assert.Equal(one.Funnel.Stages.ToList(), two.Funnel.Stages.ToList());
        Assert.Equal(
            one.Relaxations.Select(relaxation => relaxation.ToString()),
            two.Relaxations.Select(relaxation => relaxation.ToString())
        );
    }

    [Fact]
    public void A_cooling_route_ranks_last_and_is_chosen_if_it_is_the_only_one()
    {
        var cheap = Catalogues.Example;
        var dear = cheap with { OfferId = "a-2", Region = "us-east", PricePerHour = new MicroEuro(9_000_000) };
        var snapshot = OfferSnapshot.Build([cheap, dear], 1);
        var request = new PlacementRequest { State = new PlacementState { Cooling = [cheap.Route] } };

        var decision = PlacementSolver.Solve(snapshot, request);

        Assert.Equal(["a-2", "a-1"], decision.Ranked.Select(ranked => ranked.Offer.OfferId));
        Assert.Equal(RankCriterion.Route, decision.Ranked[0].Criterion);
        Assert.True(decision.Ranked[1].RankedLast);
        Assert.Equal(1, decision.Certificate?.CheaperButRankedLast);
        Assert.Equal(cheap.PricePerHour, decision.Certificate?.LowerBound);

        var alone = PlacementSolver.Solve(OfferSnapshot.Build([cheap], 2), request);
        Assert.Equal("a-1", alone.Chosen?.OfferId);
    }

    [Fact]
    public void A_cooling_route_covers_every_count_of_its_gpu_type_and_no_other_type()
    {
        var one = Catalogues.Example;
        var four = one with { OfferId = "a-4", GpuCount = 4 };
        var other = one with { OfferId = "b", GpuType = "L4", PricePerHour = new MicroEuro(5_000_000) };
        var request = new PlacementRequest { State = new PlacementState { Avoided = [one.Route] } };

        var decision = PlacementSolver.Solve(OfferSnapshot.Build([one, four, other], 1), request);

        Assert.Equal([false, true, true], decision.Ranked.Select(ranked => ranked.RankedLast));
    }

    [Fact]
    public void Ties_of_price_are_broken_by_gpu_then_provider_then_success_then_time_then_name()
    {
        var offer = Catalogues.Example;
        var bravo = new ProviderId("bravo");
        var liked = offer with { OfferId = "liked-gpu", GpuType = "H100" };
        var provider = offer with { OfferId = "liked-provider", Provider = bravo };
        var sure = offer with { OfferId = "sure", Region = "r1" };
        var soon = offer with { OfferId = "soon", Region = "r2" };
        var late = offer with { OfferId = "late", Region = "r3" };
        var alsoLate = offer with { OfferId = "later", Region = "r3" };
        var request = new PlacementRequest
        {
            Constraints = new SmartConstraints { GpuPreferences = ["H100"], ProviderPreferences = ["bravo"] },
            State = new PlacementState
            {
                Routes = ImmutableDictionary<Route, AllocationTrack>
                    .Empty.Add(sure.Route, new AllocationTrack(0.9, TimeSpan.FromSeconds(90)))
                    .Add(soon.Route, new AllocationTrack(0.8, TimeSpan.FromSeconds(10)))
                    .Add(late.Route, new AllocationTrack(0.8, TimeSpan.FromSeconds(20))),
            },
            Top = 6,
        };

        var decision = PlacementSolver.Solve(
            OfferSnapshot.Build([alsoLate, late, soon, sure, provider, liked], 1),
            request
        );

        Assert.Equal(
            ["liked-gpu", "liked-provider", "sure", "soon", "late", "later"],
            decision.Ranked.Select(ranked => ranked.Offer.OfferId)
        );
        Assert.Equal(
            [
                RankCriterion.GpuPreference,
                RankCriterion.GpuPreference,
                RankCriterion.ProviderPreference,
                RankCriterion.AllocationSuccess,
                RankCriterion.TimeToAllocate,
                RankCriterion.Name,
            ],
            decision.Ranked.Select(ranked => ranked.Criterion)
        );
    }

    [Fact]
    public void An_empty_snapshot_gives_no_match_and_no_relaxations()
    {
        var decision = PlacementSolver.Solve(OfferSnapshot.Empty, new PlacementRequest());

        Assert.False(decision.Matched);
        Assert.False(decision.NoShapeFits);
        Assert.Empty(decision.Relaxations);
        Assert.Equal(["try again later: no provider lists any offer"], SmartNoMatchFacts.Of(decision).Instructions);
    }

    [LongProperty(500)]
    public void The_cheapest_within_a_balance_equals_brute_force(DoNotSize<int> seed, byte quarters)
    {
        var catalogues = new Catalogues(seed.Item);
        var offers = catalogues.Offers(120);
        var request = catalogues.Request();
        var affordable = new MicroEuro(quarters * 50_000L);

        var offer = PlacementSolver.CheapestWithin(OfferSnapshot.Build(offers, 1), request, affordable);

        var expected = NaivePlacement.Rank(offers, request).Find(candidate => candidate.PricePerHour <= affordable);
        Assert.Equal(expected, offer);
    }

    [LongProperty(300)]
    public void The_remaining_shapes_equal_brute_force(DoNotSize<int> seed, byte size)
    {
        var catalogues = new Catalogues(seed.Item);
        var offers = catalogues.Offers(size);
        var request = catalogues.Request();
        HashSet<string> notTheCallers = ["available", "provider_health", "fits_gpu"];

        var shapes = PlacementSolver.ShapesLeft(OfferSnapshot.Build(offers, 1), request.Constraints);

        Assert.Equal(
            offers
                .Where(offer => NaivePlacement.Refusing(offer, request).IsSubsetOf(notTheCallers))
                .Select(offer => new GpuShape(offer.GpuType, offer.GpuCount))
                .Distinct()
                .Order(),
            shapes
        );
    }

    [Fact]
    public void Every_constraint_has_its_own_wire_name_and_reason()
    {
        Assert.Equal(11, PlacementSolver.ConstraintNames.Distinct(StringComparer.Ordinal).Count());
        Assert.All(
            PlacementSolver.Funnel,
            constraint => Assert.Equal(constraint.Reason, PlacementSolver.ReasonOf(constraint.Name))
        );
        Assert.Equal(
            typeof(Constraint).Assembly.GetTypes().Count(type => type.BaseType == typeof(Constraint)),
            PlacementSolver.Funnel.Length
        );
    }
}
