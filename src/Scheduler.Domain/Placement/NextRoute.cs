using System.Collections.Immutable;
using System.Globalization;

namespace Scheduler.Domain.Placement;

/// <summary>Where a start goes after a failure on a route.</summary>
/// <param name="Offer">The offer that a start would choose on a route that did not fail; null when no such offer matches.</param>
/// <param name="Loosenings">
/// Without such an offer: the changes of the constraints that admit one of another provider, nearest first.
/// </param>
public sealed record NextRoute(Offer? Offer, ImmutableArray<Relaxation> Loosenings)
{
    public NextRoute(Offer offer)
        : this(offer, []) { }

    /// <summary>In the details when no other route matches.</summary>
    internal const string OnlyRoute = "only_route";

    /// <summary>For a hint, after a semicolon.</summary>
    internal static string WordsOf(NextRoute? next) =>
        next?.Offer is { } offer ? $"the next route is {offer.Route} at {offer.PricePerHour} EUR/h"
        : next?.Loosenings.FirstOrDefault() is { } nearest
            ? $"no other route matches now: change {nearest}, or try again later"
        : "no other route matches now: loosen the constraints, or try again later";

    internal static IEnumerable<KeyValuePair<string, string>> DetailsOf(NextRoute? next)
    {
        if (next is null)
        {
            yield break;
        }

        if (next.Offer is { } offer)
        {
            yield return KeyValuePair.Create("next_route", offer.Route.ToString());
            yield return KeyValuePair.Create(
                "next_price_per_hour_micro_eur",
                offer.PricePerHour.Value.ToString(CultureInfo.InvariantCulture)
            );
            yield break;
        }

        yield return KeyValuePair.Create(OnlyRoute, "true");
        foreach (var detail in RelaxationDetails.Of(next.Loosenings))
        {
            yield return detail;
        }
    }
}
