using FsCheck;
using Scheduler.Domain.Placement;
using Xunit;

namespace Scheduler.DomainTests.Placement;

public sealed class SmallestMatchingTests
{
    [LongProperty(500)]
    public void The_smallest_matching_offer_equals_brute_force(DoNotSize<int> seed, byte size)
    {
        var catalogues = new Catalogues(seed.Item);
        var offers = catalogues.Offers(size / 3);
        var request = catalogues.Request();

        var smallest = PlacementSolver.SmallestMatching(OfferSnapshot.Build(offers, 1), request);

        // The other words of the generator are aliases, which an offer never has.
        var expected = NaivePlacement
            .Rank(offers, request)
            .Where(offer => offer.GpuType is "L4" or "L40S")
            .Select(SizeAndPrice)
            .Order()
            .FirstOrDefault();
        Assert.Equal(expected, smallest is null ? default : SizeAndPrice(smallest));
    }

    private static (int Gib, long Price) SizeAndPrice(Offer offer) =>
        ((offer.GpuType is "L4" ? 24 : 48) * offer.GpuCount, offer.PricePerHour.Value);
}
