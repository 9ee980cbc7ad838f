using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Microsoft.Extensions.Logging.Abstractions;
using Scheduler.Domain.Placement;
using Scheduler.Providers.Simulated;
using Xunit;

namespace Scheduler.ProviderTests.Simulated;

public sealed class SimulatedMarketTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_vendor_becomes_a_provider_with_the_sim_prefix()
    {
        using var market = Of(new SimulatedOptions());

        Assert.Equal(14, market.Providers.Count);
        Assert.All(
            market.Providers,
            provider => Assert.StartsWith("sim-", provider.Id.Value, StringComparison.Ordinal)
        );
        var total = 0;
        foreach (var provider in market.Providers)
        {
            var listing = await provider.ListOffersAsync(Ct);
            total += listing.Offers.Length;
            Assert.Empty(listing.Skipped);
            Assert.All(listing.Offers, offer => Assert.True(offer.Available >= 1 && offer.PricePerHour.Value > 0));
        }

        Assert.Equal(2244, total);
    }

    [Fact]
    public async Task Marketplaces_have_the_community_tier_and_other_vendors_standard()
    {
        using var market = Of(new SimulatedOptions { Vendors = ["lium", "azure"] });

        var lium = await market.Provider("sim-lium").ListOffersAsync(Ct);
        var azure = await market.Provider("sim-azure").ListOffersAsync(Ct);

        Assert.All(lium.Offers, offer => Assert.Equal(CapacityTier.Community, offer.Tier));
        Assert.All(azure.Offers, offer => Assert.Equal(CapacityTier.Standard, offer.Tier));
        Assert.Contains(azure.Offers, offer => offer.Spot);
    }

    [Fact]
    public async Task Invalid_rows_are_skipped_and_counted_and_the_others_are_used()
    {
        const string Csv = """
            provider,region,gpu,gpu_count,vram_gib_per_gpu,capacity,price_per_hour_usd,instance_type,vcpus,memory_gib
            lambda,r,H100,1,80,on_demand,2.0,good,1,1
            lambda,r,H100,1,80,on_demand,2.5,good,1,1
            lambda,r,H100,0,80,on_demand,2.0,no-gpus,1,1
            lambda,r,H100,1,80,on_demand,-1,negative,1,1
            lambda,r,H100,1,80,on_demand,99999999,absurd,1,1
            lambda,r,H100,1,80,reserved,2.0,odd,1,1
            lambda,r,GAUDI9,1,80,on_demand,2.0,stranger,1,1
            lambda,r,H100,one,80,on_demand,2.0,words,1,1
            lambda,r,H100,1,80,on_demand,NaN,nan,1,1
            lambda
            """;
        using var market = new SimulatedMarket(
            new SimulatedOptions { Vendors = ["lambda"] },
            (gpu, _, _) => gpu is "H100" ? "H100-80GB-SXM" : null,
            TimeProvider.System,
            NullLogger<SimulatedMarket>.Instance,
            MarketData.Read(new StringReader(Csv))
        );

        var listing = await market.Provider("sim-lambda").ListOffersAsync(Ct);

        Assert.Equal("H100-80GB-SXM", Assert.Single(listing.Offers).GpuType);
        Assert.Equal(
            [
                ("capacity", 1),
                ("duplicate_id", 1),
                ("gpu_count", 1),
                ("price", 2),
                ("unknown_gpu", 1),
                ("unreadable", 3),
            ],
            listing.Skipped.Select(pair => (pair.Key, pair.Value))
        );
    }

    [Fact]
    public async Task The_same_seed_gives_the_same_market_and_another_seed_another_market()
    {
        var first = await OffersAsync(1);
        var second = await OffersAsync(1);
        var other = await OffersAsync(2);

        Assert.Equal(1000, first.Count);
        Assert.Equal(first, second);
        Assert.NotEqual(first, other);

        static async Task<List<Offer>> OffersAsync(int seed)
        {
            using var market = Of(new SimulatedOptions { GeneratedOffers = 1000, Seed = seed });
            var all = new List<Offer>();
            foreach (var provider in market.Providers)
            {
                all.AddRange((await provider.ListOffersAsync(Ct)).Offers);
            }

            return all;
        }
    }

    [Property]
    public Property A_converted_price_is_rounded_up_by_less_than_one_micro_euro() =>
        Prop.ForAll(
            Gen.Choose(0, 200_000_000).Two().ToArbitrary(),
            pair =>
            {
                var usd = pair.Item1 / 100_000m;
                var rate = (pair.Item2 + 1) / 100_000_000m;

                var euro = SimulatedMapping.ToEuro(usd, rate).Value;

                var exact = usd * rate * 1_000_000m;
                return euro >= exact && euro < exact + 1;
            }
        );

    [Fact]
    public async Task The_quoted_price_is_kept_beside_the_converted_one()
    {
        using var market = Of(new SimulatedOptions { EurPerUsd = 0.9m });

        var offers = (await market.Provider("sim-lambda").ListOffersAsync(Ct)).Offers;

        Assert.All(
            offers,
            offer =>
            {
                Assert.Equal("USD", offer.Quoted?.Currency);
                Assert.InRange(
                    offer.PricePerHour.Value - (offer.Quoted!.MicroUnitsPerHour * 0.9m),
                    decimal.Zero,
                    decimal.One
                );
            }
        );
    }

    private static SimulatedMarket Of(SimulatedOptions options) =>
        new(options, (gpu, _, _) => gpu, TimeProvider.System, NullLogger<SimulatedMarket>.Instance);
}
