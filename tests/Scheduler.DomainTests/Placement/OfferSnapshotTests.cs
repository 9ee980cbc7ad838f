using FsCheck;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Xunit;

namespace Scheduler.DomainTests.Placement;

public sealed class OfferSnapshotTests
{
    [LongProperty(500)]
    public void Replacing_one_provider_equals_a_full_rebuild(DoNotSize<int> seed, byte before, byte after)
    {
        var catalogues = new Catalogues(seed.Item);
        var old = catalogues.Offers(before);
        var bravo = new ProviderId("bravo");
        var fresh = Enumerable.Range(0, after).Select(i => catalogues.Offer(i) with { Provider = bravo }).ToList();

        var replaced = OfferSnapshot.Build(old, 1).WithProvider(bravo, fresh, 2);

        var rebuilt = OfferSnapshot.Build([.. old.Where(offer => offer.Provider != bravo), .. fresh], 2);
        Assert.Equal(rebuilt.Offers(), replaced.Offers());
        Assert.Equal(rebuilt.Shapes.ToList(), replaced.Shapes.ToList());
        Assert.Equal(rebuilt.Providers, replaced.Providers);
        Assert.Equal(rebuilt.Regions, replaced.Regions);
        Assert.Equal(rebuilt.Epoch, replaced.Epoch);
        var request = catalogues.Request();
        Assert.Equal(
            PlacementSolver.Solve(rebuilt, request).Funnel.Stages.ToList(),
            PlacementSolver.Solve(replaced, request).Funnel.Stages.ToList()
        );
    }

    [LongProperty(300)]
    public void A_snapshot_returns_its_offers_unchanged_cheapest_first(DoNotSize<int> seed, byte size)
    {
        var offers = new Catalogues(seed.Item).Offers(size);

        var snapshot = OfferSnapshot.Build(offers, 1);

        Assert.Equal(
            offers
                .OrderBy(offer => offer.PricePerHour)
                .ThenBy(offer => offer.Provider.Value, StringComparer.Ordinal)
                .ThenBy(offer => offer.OfferId, StringComparer.Ordinal),
            snapshot.Offers()
        );
        Assert.Equal(0, snapshot.Skipped);
    }

    [Fact]
    public void Invalid_offers_are_skipped_and_counted_by_reason()
    {
        var good = Catalogues.Example;
        var snapshot = OfferSnapshot.Build(
            [
                good,
                good with
                {
                    PricePerHour = new MicroEuro(5),
                },
                good with
                {
                    OfferId = "x1",
                    PricePerHour = new MicroEuro(-1),
                },
                good with
                {
                    OfferId = "x2",
                    GpuCount = 0,
                },
                good with
                {
                    OfferId = "x3",
                    Available = -1,
                },
                good with
                {
                    OfferId = "",
                    Region = "mars",
                },
                good with
                {
                    OfferId = "x5",
                    Tier = (CapacityTier)9,
                },
                good with
                {
                    Provider = new ProviderId("bravo"),
                },
            ],
            1
        );

        Assert.Equal(2, snapshot.Count);
        Assert.Equal(6, snapshot.Skipped);
        Assert.Equal(["eu-west"], snapshot.Regions);
        Assert.Equal(good, snapshot.Find(good.Provider, good.OfferId));
        Assert.Equal(
            [
                OfferFault.NegativePrice,
                OfferFault.NoGpu,
                OfferFault.NegativeAvailability,
                OfferFault.NameMissing,
                OfferFault.UnknownTier,
                OfferFault.DuplicateId,
            ],
            snapshot.Faults.Select(fault => fault.Fault)
        );
    }

    [Fact]
    public void A_new_list_replaces_old_errors_and_foreign_offers_are_skipped()
    {
        var alpha = new ProviderId("alpha");
        var snapshot = OfferSnapshot.Build([Catalogues.Example with { GpuCount = 0 }], 1);

        snapshot = snapshot.WithProvider(
            alpha,
            [Catalogues.Example, Catalogues.Example with { Provider = new ProviderId("bravo") }],
            2
        );

        Assert.Equal([new OfferFaultCount(alpha, OfferFault.ForeignProvider, 1)], snapshot.Faults);
        Assert.Equal(1, snapshot.Count);
    }

    [Fact]
    public void A_decision_in_progress_keeps_its_snapshot()
    {
        var old = OfferSnapshot.Build([Catalogues.Example], 1);

        var next = old.WithProvider(new ProviderId("alpha"), [], 2);

        Assert.Equal("a-1", PlacementSolver.Solve(old, new PlacementRequest()).Chosen?.OfferId);
        Assert.False(PlacementSolver.Solve(next, new PlacementRequest()).Matched);
    }

    [Fact]
    public void The_fit_is_computed_once_per_shape_across_snapshots()
    {
        var asked = new List<GpuShape>();
        var fit = new ShapeFit(shape =>
        {
            asked.Add(shape);
            return true;
        });
        var offers = new Catalogues(1).Offers(500);
        for (var epoch = 0; epoch < 3; epoch++)
        {
            PlacementSolver.Solve(OfferSnapshot.Build(offers, epoch), new PlacementRequest { Fit = fit });
        }

        Assert.Equal(asked.Count, asked.Distinct().Count());
        Assert.Equal(OfferSnapshot.Build(offers, 9).Shapes, asked.Order());
    }
}
