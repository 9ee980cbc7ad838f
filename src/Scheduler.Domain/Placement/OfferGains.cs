using System.Collections.Immutable;

namespace Scheduler.Domain.Placement;

/// <summary>The offers that a provider's new list has in addition to the previous one.</summary>
public static class OfferGains
{
    /// <summary>
    /// The offers that launches could not use before: new ones, those that are available again or in a greater number, and those that
    /// cost less or are of another kind. <see cref="Offer.Available"/> is the number gained, ≥ 1.
    /// </summary>
    /// <param name="before">The list before; empty when there was none.</param>
    public static ImmutableArray<Offer> Between(IEnumerable<Offer> before, IEnumerable<Offer> after)
    {
        var known = new Dictionary<string, Offer>(StringComparer.Ordinal);
        foreach (var offer in before)
        {
            known.TryAdd(offer.OfferId, offer);
        }

        var gained = ImmutableArray.CreateBuilder<Offer>();
        foreach (var offer in after)
        {
            var isAsBefore =
                known.TryGetValue(offer.OfferId, out var old)
                && IsSameKind(old, offer)
                && offer.PricePerHour >= old.PricePerHour;
            var more = isAsBefore ? offer.Available - old!.Available : offer.Available;
            if (more > 0)
            {
                gained.Add(offer with { Available = more });
            }
        }

        return gained.ToImmutable();
    }

    private static bool IsSameKind(Offer a, Offer b) =>
        a.Region == b.Region
        && a.GpuType == b.GpuType
        && a.GpuCount == b.GpuCount
        && a.Tier == b.Tier
        && a.Spot == b.Spot
        && a.EncryptedPath == b.EncryptedPath;
}
