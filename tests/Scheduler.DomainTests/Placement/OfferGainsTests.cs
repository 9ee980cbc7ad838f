using FsCheck.Xunit;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Xunit;

namespace Scheduler.DomainTests.Placement;

public sealed class OfferGainsTests
{
    [Fact]
    public void New_restocked_cheaper_and_changed_offers_are_gains()
    {
        var before = new[]
        {
            Of("same", 3),
            Of("more", 1),
            Of("gone-out", 4),
            Of("cheaper", 2),
            Of("moved", 2),
            Of("out", 0),
        };
        var after = new[]
        {
            Of("same", 3),
            Of("more", 4),
            Of("gone-out", 0),
            Of("cheaper", 2, price: 9),
            Of("moved", 2, region: "eu-north"),
            Of("out", 0),
            Of("new", 5),
            Of("new-but-out", 0),
        };

        Assert.Equal(
            [("more", 3), ("cheaper", 2), ("moved", 2), ("new", 5)],
            OfferGains.Between(before, after).Select(offer => (offer.OfferId, offer.Available))
        );
    }

    [Property]
    public void An_equal_list_gains_nothing_and_from_nothing_all_stock_is_gained(byte[] stock)
    {
        var offers = stock.Select((available, i) => Of($"o-{i}", available)).ToArray();
        Assert.Empty(OfferGains.Between(offers, offers));
        Assert.Equal(stock.Sum(available => available), OfferGains.Between([], offers).Sum(offer => offer.Available));
    }

    [Property]
    public void A_gain_is_never_more_than_what_is_there(byte[] before, byte[] after)
    {
        var now = after.Select((available, i) => Of($"o-{i}", available)).ToArray();
        foreach (var gained in OfferGains.Between(before.Select((available, i) => Of($"o-{i}", available)), now))
        {
            Assert.InRange(gained.Available, 1, now.Single(offer => offer.OfferId == gained.OfferId).Available);
        }
    }

    private static Offer Of(string id, int available, long price = 10, string region = "eu-west") =>
        new(
            new ProviderId("cloud"),
            id,
            region,
            "L40S",
            1,
            CapacityTier.Standard,
            Spot: false,
            new MicroEuro(price),
            available
        );
}
