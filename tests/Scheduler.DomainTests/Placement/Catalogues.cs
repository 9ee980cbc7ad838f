using System.Collections.Immutable;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;

namespace Scheduler.DomainTests.Placement;

/// <summary>
/// Random offers and requests from one printed seed. They have few distinct values and prices, so that ties, empty
/// intersections and near misses are common.
/// </summary>
internal sealed class Catalogues(int seed)
{
    private static readonly string[] Providers = ["alpha", "bravo", "charlie", "delta"];
    private static readonly string[] Regions = ["eu-north", "eu-west", "us-east", "us-west", "ap-south"];
    private static readonly string[] GpuTypes = ["A100-80GB", "H100", "L4", "L40S"];
    private static readonly int[] Counts = [1, 2, 4, 8];

    private readonly Random _random = new(seed);

    public static Offer Example { get; } =
        new(
            new ProviderId("alpha"),
            "a-1",
            "eu-west",
            "L40S",
            1,
            CapacityTier.Standard,
            Spot: false,
            new MicroEuro(1_290_000),
            Available: 4
        );

    public List<Offer> Offers(int count)
    {
        var offers = new List<Offer>(count);
        for (var i = 0; i < count; i++)
        {
            offers.Add(Offer(i));
        }

        return offers;
    }

    public Offer Offer(int number) =>
        new(
            new ProviderId(Any(Providers)),
            $"offer-{_random.Next(3)}-{number}",
            Any(Regions),
            Any(GpuTypes),
            Any(Counts),
            (CapacityTier)_random.Next(1, 4),
            _random.Next(2) == 0,
            new MicroEuro(_random.Next(1, 12) * 250_000L),
            _random.Next(4),
            _random.Next(5) == 0 ? new QuotedPrice("USD", _random.Next(1, 1000)) : null,
            EncryptedPath: _random.Next(3) > 0
        );

    public PlacementRequest Request() =>
        new()
        {
            Constraints = Constraints(),
            Fit = _random.Next(3) == 0 ? ShapeFit.Any : Fit(),
            State = State(),
            Top = _random.Next(1, 8),
        };

    public SmartConstraints Constraints() =>
        new()
        {
            MaxPricePerHour = _random.Next(2) == 0 ? null : new MicroEuro(_random.Next(0, 8) * 250_000L),
            Regions = _random.Next(2) == 0 ? [] : Some(Regions, 2, "nowhere"),
            MinimumTier = (CapacityTier)_random.Next(1, 4),
            SpotAllowed = _random.Next(2) == 0,
            GpuType = _random.Next(3) > 0 ? null : Any([.. GpuTypes, "B200"]),
            GpuCount = _random.Next(3) > 0 ? null : Any([.. Counts, 3]),
            Providers = _random.Next(2) == 0 ? [] : Some(Providers, 2, "nobody"),
            GpuPreferences = _random.Next(2) == 0 ? [] : Some(GpuTypes, 3, "B200"),
            ProviderPreferences = _random.Next(2) == 0 ? [] : Some(Providers, 3, "nobody"),
            RequireEncryptedPath = _random.Next(3) == 0,
        };

    public PlacementState State() =>
        new()
        {
            Draining = _random.Next(5) == 0 ? [new ProviderId(Any(Providers))] : [],
            BreakerOpen = _random.Next(5) == 0 ? [new ProviderId(Any(Providers)), new ProviderId("nobody")] : [],
            Cooling = [.. Enumerable.Range(0, _random.Next(6)).Select(_ => Route())],
            Avoided = [.. Enumerable.Range(0, _random.Next(3)).Select(_ => Route())],
            Routes = Enumerable
                .Range(0, _random.Next(20))
                .Select(_ => Route())
                .Distinct()
                .ToImmutableDictionary(route => route, _ => Track()),
            Providers = Providers
                .Where(_ => _random.Next(2) == 0)
                .ToImmutableDictionary(name => new ProviderId(name), _ => Track()),
        };

    private ShapeFit Fit()
    {
        var limit = _random.Next(1, 400);
        return new ShapeFit(shape => Vram(shape) >= limit);
    }

    private static int Vram(GpuShape shape) => shape.GpuCount * (24 + (16 * Array.IndexOf(GpuTypes, shape.GpuType)));

    private Route Route() =>
        new(new ProviderId(Any(Providers)), Any([.. Regions, "nowhere"]), Any([.. GpuTypes, "B200", "A10"]));

    private AllocationTrack Track() => new(_random.Next(3) / 2.0, TimeSpan.FromSeconds(_random.Next(3)));

    private T Any<T>(T[] values) => values[_random.Next(values.Length)];

    private ImmutableArray<string> Some(string[] values, int most, string unknown)
    {
        var chosen = values.Where(_ => _random.Next(values.Length) < most).ToList();
        return chosen.Count == 0 ? [unknown] : [.. chosen];
    }
}
