using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;

namespace Scheduler.Grains.Providers;

/// <summary>
/// What placement decides on, in this silo: the offers of all providers and what is known of providers and routes. Swapped by reference,
/// so whoever decides is never blocked and never sees half of a refresh.
/// </summary>
/// <param name="directory">The configured providers; each must have listed once before the book is open.</param>
internal sealed class OfferBook(ProviderDirectory directory)
{
    private readonly Lock _publishing = new();
    private readonly HashSet<ProviderId> _awaited = [.. directory.Ids];
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ImmutableDictionary<ProviderId, ProviderStanding> _standings = ImmutableDictionary<
        ProviderId,
        ProviderStanding
    >.Empty;
    private volatile OfferBookPage _page = new(OfferSnapshot.Empty, PlacementMemory.None);

    /// <summary>The present page.</summary>
    public OfferBookPage Page => _page;

    /// <summary>Done when every provider has listed its offers once, or failed to.</summary>
    public Task Opened => _opened.Task;

    /// <summary>Replaces one provider's offers; null leaves them as they are (the listing failed, or nothing changed).</summary>
    public void Publish(ProviderId provider, IReadOnlyCollection<Offer>? offers, ProviderStanding standing)
    {
        lock (_publishing)
        {
            _standings = _standings.SetItem(provider, standing);
            var snapshot = offers is null
                ? _page.Snapshot
                : _page.Snapshot.WithProvider(provider, offers, _page.Snapshot.Epoch + 1);
            _page = new OfferBookPage(snapshot, Remember());
            _awaited.Remove(provider);
            if (_awaited.Count == 0)
            {
                _opened.TrySetResult();
            }
        }
    }

    private PlacementMemory Remember() =>
        new()
        {
            Draining = [.. _standings.Where(s => s.Value.Draining).Select(s => s.Key)],
            BreakerOpen = [.. _standings.Where(s => s.Value.BreakerOpen).Select(s => s.Key)],
            Cooling = [.. _standings.Values.SelectMany(s => s.Cooling)],
            Routes = _standings.Values.SelectMany(s => s.Routes).ToImmutableDictionary(),
            Providers = _standings
                .Where(s => s.Value.Track is not null)
                .ToImmutableDictionary(s => s.Key, s => s.Value.Track!.Value),
        };
}

/// <summary>Offers and memory that belong together.</summary>
/// <param name="Snapshot">All offers.</param>
/// <param name="Memory">What is known of providers and routes.</param>
internal sealed record OfferBookPage(OfferSnapshot Snapshot, PlacementMemory Memory);

/// <summary>How a provider stands, for placement.</summary>
/// <param name="Draining">Taken out by an operator.</param>
/// <param name="BreakerOpen">Failed too often in a row.</param>
/// <param name="Cooling">Routes that rank last for now.</param>
/// <param name="Routes">Observed success and time to allocate, by route.</param>
/// <param name="Track">The same for the provider as a whole; null without an attempt.</param>
internal sealed record ProviderStanding(
    bool Draining,
    bool BreakerOpen,
    ImmutableArray<Route> Cooling,
    ImmutableDictionary<Route, AllocationTrack> Routes,
    AllocationTrack? Track
);
