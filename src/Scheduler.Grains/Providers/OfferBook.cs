using System.Collections.Concurrent;
using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;

namespace Scheduler.Grains.Providers;

/// <summary>
/// What placement decides on, in this silo: the offers of all providers and what is known of providers and routes. Swapped by reference,
/// so whoever decides is never blocked and never sees half of a refresh. A provider's grain publishes to the book of its own silo at
/// once; the other silos' <see cref="ProviderKeeper"/> fetches what changed every second.
/// </summary>
/// <param name="directory">The configured providers; each must have listed once before the book is open.</param>
/// <param name="clock">Tells how old a listing is.</param>
internal sealed class OfferBook(ProviderDirectory directory, TimeProvider clock)
{
    private readonly Lock _publishing = new();
    private readonly HashSet<ProviderId> _awaited = [.. directory.Ids];
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<ProviderId, SheetEdition> _editions = [];
    private readonly ConcurrentDictionary<ProviderId, long> _heard = [];
    private ImmutableDictionary<ProviderId, ProviderStanding> _standings = ImmutableDictionary<
        ProviderId,
        ProviderStanding
    >.Empty;
    private ImmutableDictionary<ProviderId, Listed> _listed = ImmutableDictionary<ProviderId, Listed>.Empty;
    private volatile OfferBookPage _page = new(OfferSnapshot.Empty, PlacementMemory.None);

    /// <summary>The present page.</summary>
    public OfferBookPage Page => _page;

    /// <summary>Done when every provider has listed its offers once, or failed to.</summary>
    public Task Opened => _opened.Task;

    /// <summary>How each provider stands that was heard of.</summary>
    public ImmutableDictionary<ProviderId, ProviderStanding> Standings => Volatile.Read(ref _standings);

    /// <summary>The latest listing of each provider that has listed.</summary>
    public ImmutableDictionary<ProviderId, Listed> Listings => Volatile.Read(ref _listed);

    /// <summary>Which state of a provider this book has.</summary>
    public SheetEdition EditionOf(ProviderId provider)
    {
        lock (_publishing)
        {
            return _editions.GetValueOrDefault(provider);
        }
    }

    /// <summary>
    /// Takes what is to be known of a provider; without offers those known stay (the listing failed, or nothing changed). An older
    /// state than the book's is dropped: it was overtaken on its way.
    /// </summary>
    public void Publish(ProviderId provider, ProviderSheet sheet)
    {
        lock (_publishing)
        {
            if (!sheet.Edition.IsNewsTo(_editions.GetValueOrDefault(provider)))
            {
                return;
            }

            _editions[provider] = sheet.Edition;
            _standings = _standings.SetItem(provider, sheet.Standing);
            var snapshot = sheet.Offers is not { } offers
                ? _page.Snapshot
                : _page.Snapshot.WithProvider(provider, offers, _page.Snapshot.Epoch + 1);
            if (sheet.Offers is { } listed)
            {
                _listed = _listed.SetItem(provider, new Listed(listed.Length, clock.GetTimestamp()));
            }

            _page = new OfferBookPage(snapshot, Remember());
            _awaited.Remove(provider);
            if (_awaited.Count == 0)
            {
                _opened.TrySetResult();
            }
        }
    }

    /// <summary>Notes that a provider's grain was asked just now and that this book has what it said.</summary>
    public void NoteHeard(ProviderId provider, TimeProvider clock) => _heard[provider] = clock.GetTimestamp();

    /// <summary>How many providers there are, and how many of them were heard of lately.</summary>
    public (int All, int Fresh) HeardOf(TimeProvider clock, TimeSpan lately) =>
        (directory.Ids.Count(), _heard.Values.Count(heard => clock.GetElapsedTime(heard) <= lately));

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

/// <summary>A listing that this book took.</summary>
/// <param name="Offers">How many.</param>
/// <param name="TakenAt">When, a timestamp of the book's clock.</param>
internal sealed record Listed(int Offers, long TakenAt);

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
[GenerateSerializer, Immutable, Alias("scheduler.ProviderStanding")]
internal sealed record ProviderStanding(
    [property: Id(0)] bool Draining,
    [property: Id(1)] bool BreakerOpen,
    [property: Id(2)] ImmutableArray<Route> Cooling,
    [property: Id(3)] ImmutableDictionary<Route, AllocationTrack> Routes,
    [property: Id(4)] AllocationTrack? Track
);
