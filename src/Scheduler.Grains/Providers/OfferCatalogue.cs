using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;

namespace Scheduler.Grains.Providers;

/// <summary>
/// The input of placement in this silo: all providers' offers and the health of providers and routes. Swapped by
/// reference, so a reader never blocks and never sees half a refresh. A provider's grain publishes to its own silo at
/// once; other silos fetch changes every second (<see cref="ProviderService"/>).
/// </summary>
internal sealed class OfferCatalogue(ProviderDirectory directory, TimeProvider clock)
{
    /// <summary>How long a caller waits, after a start of the silo, for the first offer list of every provider.</summary>
    private static readonly TimeSpan Opens = TimeSpan.FromSeconds(15);

    private readonly Lock _publishing = new();
    private readonly HashSet<ProviderId> _awaited = [.. directory.Ids];
    private readonly TaskCompletionSource _opened = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Dictionary<ProviderId, SnapshotVersion> _versions = [];
    private readonly ConcurrentDictionary<ProviderId, long> _answeredAt = [];
    private ImmutableDictionary<ProviderId, ProviderStatus> _statuses = ImmutableDictionary<
        ProviderId,
        ProviderStatus
    >.Empty;
    private ImmutableDictionary<ProviderId, ListedOffers> _listed = ImmutableDictionary<ProviderId, ListedOffers>.Empty;

    /// <summary>The accounts with a provider of their own, and the place of their view.</summary>
    private readonly FrozenDictionary<AccountId, int> _viewOf = directory
        .AccountsWithOwn.Index()
        .ToFrozenDictionary(pair => pair.Item, pair => 2 + pair.Index);

    /// <summary>
    /// First that of all providers. If some providers are only for some accounts, then that of the others, and one for each of
    /// these accounts.
    /// </summary>
    private volatile OfferView[] _views =
    [
        OfferView.Of(directory.Ids, directory),
        .. directory.AccountsWithOwn.Any() ? [OfferView.Of(directory.OpenToAll, directory)] : Array.Empty<OfferView>(),
        .. directory.AccountsWithOwn.Select(account => OfferView.Of(directory.OpenTo(account), directory)),
    ];

    /// <summary>What an account may use and see: the providers that are open to it.</summary>
    /// <param name="account">Null for operators, who see all.</param>
    public OfferView For(AccountId? account)
    {
        var views = _views;
        return views[account is not { } caller || views.Length == 1 ? 0 : _viewOf.GetValueOrDefault(caller, 1)];
    }

    /// <summary>Completes when every provider has listed its offers once, or failed to.</summary>
    public Task Opened => _opened.Task;

    /// <summary>
    /// Waits until every provider has listed its offers once, or failed to; after 15 s it continues with what is there.
    /// </summary>
    public async ValueTask OpenAsync()
    {
        if (!_opened.Task.IsCompleted)
        {
            await _opened
                .Task.WaitAsync(Opens)
                .ConfigureAwait(
                    ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext
                );
        }
    }

    /// <summary>State of each provider that has published.</summary>
    public ImmutableDictionary<ProviderId, ProviderStatus> Statuses => Volatile.Read(ref _statuses);

    public ImmutableDictionary<ProviderId, ListedOffers> Listings => Volatile.Read(ref _listed);

    public SnapshotVersion VersionOf(ProviderId provider)
    {
        lock (_publishing)
        {
            return _versions.GetValueOrDefault(provider);
        }
    }

    /// <summary>
    /// Takes over a provider's placement data. Without offers the known ones stay (the listing failed, or nothing
    /// changed). An older version than the current one is dropped.
    /// </summary>
    public void Publish(ProviderId provider, ProviderSnapshot published)
    {
        lock (_publishing)
        {
            if (!published.Version.IsNewerThan(_versions.GetValueOrDefault(provider)))
            {
                return;
            }

            _versions[provider] = published.Version;
            _statuses = _statuses.SetItem(provider, published.Status);
            if (published.Offers is { } listed)
            {
                _listed = _listed.SetItem(provider, new ListedOffers(listed.Length, clock.GetTimestamp()));
            }

            var state = StateNow();
            _views = Array.ConvertAll(
                _views,
                view => view.With(provider, published.Offers, state, _listed.ContainsKey)
            );
            _awaited.Remove(provider);
            if (_awaited.Count == 0)
            {
                _opened.TrySetResult();
            }
        }
    }

    /// <summary>Records that a provider's grain has just answered and that its answer is published here.</summary>
    public void RecordAnswer(ProviderId provider, TimeProvider clock) => _answeredAt[provider] = clock.GetTimestamp();

    /// <summary>Number of configured providers, and of those that answered recently.</summary>
    public (int All, int Fresh) AnsweredOf(TimeProvider clock, TimeSpan lately) =>
        (directory.Ids.Count(), _answeredAt.Values.Count(answeredAt => clock.GetElapsedTime(answeredAt) <= lately));

    private PlacementState StateNow() =>
        new()
        {
            Draining = [.. _statuses.Where(s => s.Value.Draining).Select(s => s.Key)],
            BreakerOpen = [.. _statuses.Where(s => s.Value.BreakerOpen).Select(s => s.Key)],
            Cooling = [.. _statuses.Values.SelectMany(s => s.Cooling)],
            Routes = _statuses.Values.SelectMany(s => s.Routes).ToImmutableDictionary(),
            Providers = _statuses
                .Where(s => s.Value.Track is not null)
                .ToImmutableDictionary(s => s.Key, s => s.Value.Track!.Value),
        };
}

/// <param name="TakenAt">A timestamp of this catalogue's clock.</param>
internal sealed record ListedOffers(int Offers, long TakenAt);

/// <param name="BreakerOpen">Too many consecutive failed attempts.</param>
/// <param name="Cooling">Routes that rank last for now.</param>
/// <param name="Routes">Observed success and time to allocate, by route.</param>
/// <param name="Track">The same for the provider as a whole; null without an attempt.</param>
[GenerateSerializer, Immutable, Alias("scheduler.ProviderStanding")]
internal sealed record ProviderStatus(
    [property: Id(0)] bool Draining,
    [property: Id(1)] bool BreakerOpen,
    [property: Id(2)] ImmutableArray<Route> Cooling,
    [property: Id(3)] ImmutableDictionary<Route, AllocationTrack> Routes,
    [property: Id(4)] AllocationTrack? Track
);
