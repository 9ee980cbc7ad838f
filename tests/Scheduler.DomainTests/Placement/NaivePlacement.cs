using System.Numerics;
using Scheduler.Domain.Placement;

namespace Scheduler.DomainTests.Placement;

/// <summary>The oracle: a second implementation of the specification, simple and slow.</summary>
internal static class NaivePlacement
{
    private static readonly string[] Relaxable =
    [
        "spot",
        "encrypted_path",
        "capacity_tier",
        "max_price",
        "providers",
        "gpu_type",
        "gpu_count",
        "regions",
    ];

    public static (string Name, Func<Offer, bool> Admits)[] Constraints(PlacementRequest request)
    {
        var asked = request.Constraints;
        return
        [
            ("available", offer => offer.Available > 0),
            ("spot", offer => asked.SpotAllowed || !offer.Spot),
            ("encrypted_path", offer => !asked.RequireEncryptedPath || offer.EncryptedPath),
            ("capacity_tier", offer => offer.Tier >= asked.MinimumTier),
            ("max_price", offer => asked.MaxPricePerHour is not { } most || offer.PricePerHour.Value <= most.Value),
            (
                "provider_health",
                offer =>
                    !request.State.Draining.Contains(offer.Provider)
                    && !request.State.BreakerOpen.Contains(offer.Provider)
            ),
            ("providers", offer => asked.Providers.IsEmpty || asked.Providers.Contains(offer.Provider.Value)),
            ("gpu_type", offer => asked.GpuType?.Equals(offer.GpuType, StringComparison.Ordinal) ?? true),
            ("gpu_count", offer => asked.GpuCount is null || asked.GpuCount == offer.GpuCount),
            ("regions", offer => asked.Regions.IsEmpty || asked.Regions.Contains(offer.Region)),
            ("fits_gpu", offer => request.Fit.Fits(new GpuShape(offer.GpuType, offer.GpuCount))),
        ];
    }

    public static HashSet<string> Refusing(Offer offer, PlacementRequest request) =>
        [.. Constraints(request).Where(constraint => !constraint.Admits(offer)).Select(constraint => constraint.Name)];

    public static bool RanksLast(Offer offer, PlacementRequest request) =>
        request.State.Cooling.Contains(offer.Route) || request.State.Avoided.Contains(offer.Route);

    public static List<Offer> Rank(IEnumerable<Offer> offers, PlacementRequest request) =>
        [
            .. offers
                .Where(offer => Constraints(request).All(constraint => constraint.Admits(offer)))
                .OrderBy(offer => RanksLast(offer, request))
                .ThenBy(offer => offer.PricePerHour.Value)
                .ThenBy(offer => Place(request.Constraints.GpuPreferences, offer.GpuType))
                .ThenBy(offer => Place(request.Constraints.ProviderPreferences, offer.Provider.Value))
                .ThenByDescending(offer => Track(offer, request).SuccessRatio)
                .ThenBy(offer => Track(offer, request).TimeToAllocate)
                .ThenBy(offer => offer.Provider.Value, StringComparer.Ordinal)
                .ThenBy(offer => offer.OfferId, StringComparer.Ordinal),
        ];

    public static List<(string Name, int Removed, int RemovedAlone)> Funnel(
        IReadOnlyList<Offer> offers,
        PlacementRequest request
    )
    {
        var left = offers;
        var stages = new List<(string, int, int)>();
        foreach (var (name, admits) in Constraints(request))
        {
            var passed = left.Where(admits).ToList();
            var alone = offers.Count(offer => Refusing(offer, request).SetEquals([name]));
            stages.Add((name, left.Count - passed.Count, alone));
            left = passed;
        }

        return stages;
    }

    /// <summary>Tries all subsets of the constraints: drops a subset and checks whether an offer matches.</summary>
    public static List<HashSet<string>> MinimalRelaxations(IReadOnlyList<Offer> offers, PlacementRequest request)
    {
        var matching = new List<HashSet<string>>();
        foreach (
            var subset in Enumerable
                .Range(1, (1 << Relaxable.Length) - 1)
                .OrderBy(bits => BitOperations.PopCount((uint)bits))
        )
        {
            var names = Relaxable.Where((_, i) => (subset & (1 << i)) != 0).ToHashSet();
            if (offers.Any(offer => Refusing(offer, request).IsSubsetOf(names)) && !matching.Exists(names.IsSupersetOf))
            {
                matching.Add(names);
            }
        }

        return matching;
    }

    /// <summary>
    /// The target of a set of constraints: of the offers that exactly this set refuses, the nearest by tier, price,
    /// memory, count, part of the world and ranking.
    /// </summary>
    public static Offer Nearest(IReadOnlyList<Offer> offers, PlacementRequest request, HashSet<string> names)
    {
        var asked = request.Constraints;
        var candidates = offers.Where(offer => Refusing(offer, request).SetEquals(names)).ToList();
        var ranked = Rank(
            candidates,
            request with
            {
                Constraints = new SmartConstraints
                {
                    GpuPreferences = asked.GpuPreferences,
                    ProviderPreferences = asked.ProviderPreferences,
                },
            }
        );
        return ranked
            .OrderByDescending(offer => names.Contains("capacity_tier") ? offer.Tier : default)
            .ThenBy(offer => names.Contains("max_price") ? offer.PricePerHour : default)
            .ThenBy(offer => names.Contains("gpu_type") ? MemoryDistance(asked.GpuType!, offer.GpuType) : 0)
            .ThenBy(offer =>
                names.Contains("gpu_count") ? Math.Abs(offer.GpuCount - asked.GpuCount.GetValueOrDefault()) : 0
            )
            .ThenBy(offer => names.Contains("regions") && !asked.Regions.Any(region => IsNear(region, offer.Region)))
            .First();
    }

    /// <summary>Of the words that <see cref="Catalogues"/> uses.</summary>
    private static bool IsNear(string asked, string offered) => asked.Split('-')[0] == offered.Split('-')[0];

    /// <summary>Of the words that <see cref="Catalogues"/> uses, nominal GiB per GPU.</summary>
    public static long MemoryDistance(string asked, string offered)
    {
        return asked == offered ? 0 : Math.Abs(Gib(asked) - Gib(offered));

        static long Gib(string gpu) =>
            gpu switch
            {
                "A100-80GB" => 80,
                "H100" => 80,
                "L4" => 24,
                "L40S" => 48,
                _ => 180,
            };
    }

    private static int Place(IReadOnlyList<string> preferences, string value)
    {
        var place = preferences.ToList().IndexOf(value);
        return place < 0 ? int.MaxValue : place;
    }

    private static AllocationTrack Track(Offer offer, PlacementRequest request)
    {
        if (request.State.Routes.TryGetValue(offer.Route, out var route))
        {
            return route;
        }

        return request.State.Providers.TryGetValue(offer.Provider, out var provider)
            ? provider
            : new AllocationTrack(0.5, TimeSpan.MaxValue);
    }
}
