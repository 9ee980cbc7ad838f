using System.Collections.Immutable;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Http;

/// <summary>Collects offers, and counts the unusable ones by reason. One unusable offer never prevents the use of the others.</summary>
internal sealed class OfferSet
{
    private readonly Dictionary<string, Offer> _offers = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _skipped = new(StringComparer.Ordinal);

    /// <summary>Of two offers with one id, the first counts.</summary>
    internal void Add(Offer offer)
    {
        if (!_offers.TryAdd(offer.OfferId, offer))
        {
            Skip("duplicate_id");
        }
    }

    internal void Skip(string reason) => _skipped[reason] = _skipped.GetValueOrDefault(reason) + 1;

    internal OfferListing ToListing() =>
        new([.. _offers.Values], _skipped.ToImmutableSortedDictionary(StringComparer.Ordinal));
}
