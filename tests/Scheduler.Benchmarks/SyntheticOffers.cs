using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;

namespace Scheduler.Benchmarks;

/// <summary>
/// A market with the proportions of public price lists: 14 providers with 10 regions each (a few shared), 40 GPU
/// types in up to four counts. A third of the offers are spot; prices spread over a factor of ten around the type's
/// own. A larger
/// catalogue has more hosts per route, not more regions, as a real one would.
/// </summary>
internal static class SyntheticOffers
{
    private const int ProviderCount = 14;
    private const int RegionsPerProvider = 10;
    private const int GpuTypeCount = 40;

    public static List<Offer> Make(int count, int seed)
    {
        var random = new Random(seed);
        var offers = new List<Offer>(count);
        for (var i = 0; i < count; i++)
        {
            var provider = random.Next(ProviderCount);
            var type = (int)(GpuTypeCount * Math.Pow(random.NextDouble(), 1.5));
            var gpus = 1 << (int)(4 * Math.Pow(random.NextDouble(), 2));
            var spot = random.Next(3) == 0;
            var cents = (20 + (12 * type)) * gpus * (0.6 + (random.NextDouble() * 3)) * (spot ? 0.4 : 1);
            offers.Add(
                new Offer(
                    new ProviderId($"provider-{provider:d2}"),
                    $"gpu{type:d2}.{gpus}x-{i:x6}",
                    Region(provider, random.Next(RegionsPerProvider)),
                    GpuType(type),
                    gpus,
                    (CapacityTier)(1 + (provider % 3)),
                    spot,
                    // Whole cents, as most vendors quote: equal prices are common.
                    new MicroEuro((long)cents * 10_000),
                    random.Next(5) == 0 ? 0 : random.Next(1, 20)
                )
            );
        }

        return offers;
    }

    /// <summary>GPUs have 8 to 203 GiB; a higher number is larger and more expensive.</summary>
    public static bool Fits(GpuShape shape, int gibibytes) =>
        shape.GpuCount
            * (8 + (5 * int.Parse(shape.GpuType.AsSpan(4), System.Globalization.CultureInfo.InvariantCulture)))
        >= gibibytes;

    public static string GpuType(int number) => $"GPU-{number:d2}";

    /// <summary>The first two regions have the same name at every provider.</summary>
    public static string Region(int provider, int number) =>
        number < 2 ? $"eu-{number}" : $"p{provider:d2}-region-{number}";

    /// <summary>
    /// A request with five constraints in addition to availability: price, regions, tier, spot and fit.
    /// </summary>
    public static PlacementRequest Request(Random random, ShapeFit[] fits) =>
        new()
        {
            Constraints = new SmartConstraints
            {
                MaxPricePerHour = new MicroEuro(random.Next(30, 3000) * 10_000L),
                Regions =
                [
                    Region(0, random.Next(2)),
                    Region(random.Next(ProviderCount), random.Next(RegionsPerProvider)),
                    Region(random.Next(ProviderCount), random.Next(RegionsPerProvider)),
                ],
                MinimumTier = (CapacityTier)random.Next(2, 4),
                SpotAllowed = false,
                GpuPreferences = [GpuType(random.Next(GpuTypeCount))],
            },
            Fit = fits[random.Next(fits.Length)],
        };
}
