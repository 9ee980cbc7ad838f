using System.Collections.Concurrent;
using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;

namespace Scheduler.Grains.Providers;

/// <summary>
/// The input of placement in this silo: all providers' offers and the health of providers and routes. Swapped by
/// reference, so a reader never blocks and never sees half a refresh. A provider's grain publishes to its own silo at
/// once; other silos fetch changes every second (<see cref="ProviderKeeper"/>).
/// </summary>
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

    public OfferBookPage Page => _page;

    /// <summary>Completes when every provider has listed its offers once, or failed to.</summary>
    public Task Opened => _opened.Task;

    /// <summary>State of each provider that has published.</summary>
    public ImmutableDictionary<ProviderId, ProviderStanding> Standings => Volatile.Read(ref _standings);

    public ImmutableDictionary<ProviderId, Listed> Listings => Volatile.Read(ref _listed);

    public SheetEdition EditionOf(ProviderId provider)
    {
        lock (_publishing)
        {
            return _editions.GetValueOrDefault(provider);
        }
    }

    /// <summary>
    /// Takes over a provider's placement data. Without offers the known ones stay (the listing failed, or nothing
    /// changed). An older edition than the current one is dropped.
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

    /// <summary>Records that a provider's grain has just answered and that its answer is published here.</summary>
    public void NoteHeard(ProviderId provider, TimeProvider clock) => _heard[provider] = clock.GetTimestamp();

    /// <summary>Number of configured providers, and of those that answered recently.</summary>
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

/// <param name="TakenAt">A timestamp of this catalogue's clock.</param>
internal sealed record Listed(int Offers, long TakenAt);

internal sealed record OfferBookPage(OfferSnapshot Snapshot, PlacementMemory Memory);

/// <param name="BreakerOpen">Too many consecutive failed attempts.</param>
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
