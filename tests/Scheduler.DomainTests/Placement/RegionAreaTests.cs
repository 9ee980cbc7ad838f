using Scheduler.Domain.Billing;
using Scheduler.Domain.Placement;
using Xunit;

namespace Scheduler.DomainTests.Placement;

public sealed class RegionAreaTests
{
    [Theory]
    [InlineData("Europe", "eu-north1", "europe-west4", "westeurope", "francecentral", "FIN-01", "EU-RO-1", "GR")]
    [InlineData(
        "NorthAmerica",
        "us-east-1",
        "eastus2",
        "westcentralus",
        "UTAH_USA",
        "US-CA-2",
        "tor1",
        "CA",
        "CANADA-1"
    )]
    [InlineData("Asia", "asia-northeast1", "IN2", "jioindiawest", "tokyo-japan-1", "malaysiawest", "ap-southeast-1")]
    [InlineData("MiddleEast", "me-west-1", "uaenorth", "israelcentral")]
    [InlineData("Oceania", "australiasoutheast", "AU")]
    [InlineData("Africa", "southafricanorth")]
    [InlineData("SouthAmerica", "brazilsouth")]
    [InlineData("Unknown", "default", "", "local", "-1")]
    public void A_name_tells_its_part_of_the_world(string area, params string[] regions) =>
        Assert.All(regions, region => Assert.Equal(area, RegionArea.Of(region).ToString()));

    [Fact]
    public void The_proposed_region_is_in_the_same_part_of_the_world_and_the_cheapest_there()
    {
        var asked = Catalogues.Example with { Region = "eu-north1", Available = 0 };
        var far = At("us-east1", 100_000);
        var near = At("francecentral", 900_000);
        var dearer = At("FIN-01", 950_000);
        var request = new PlacementRequest { Constraints = new SmartConstraints { Regions = ["eu-north1"] } };

        Assert.Equal("add region francecentral", Proposed(asked, far, near, dearer));
        Assert.Equal("add region us-east1", Proposed(asked, far));

        string Proposed(params Offer[] offers) =>
            Assert.Single(PlacementSolver.Solve(OfferSnapshot.Build(offers, 1), request).Relaxations).Change;

        static Offer At(string region, long price) =>
            Catalogues.Example with
            {
                OfferId = region,
                Region = region,
                PricePerHour = new MicroEuro(price),
            };
    }
}
