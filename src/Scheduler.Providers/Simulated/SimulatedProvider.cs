using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Simulated;

internal sealed class SimulatedProvider(ProviderId id, SimulatedMarket market) : IProvider
{
    /// <summary>Poll interval: other processes that share the journal cannot notify this one.</summary>
    private static readonly TimeSpan PollInterval = TimeSpan.FromMilliseconds(200);

    private readonly Dictionary<string, Offer> _offers = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, int> _skipped = new(StringComparer.Ordinal);
    private (long Version, OfferListing Listing)? _cached;

    public ProviderId Id => id;

    public IEnumerable<string> OwnOptions => SimulatedMapping.Options;

    /// <summary>The stand-in runtime listens on loopback.</summary>
    public bool IsReachableFromOutside => false;

    internal int OfferCount => _offers.Count;

    internal int SkippedCount => _skipped.Values.Sum();

    public Task<OfferListing> ListOffersAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        market.Cloud.CatchUp();
        var version = market.Cloud.Version;
        if (_cached is { } cached && cached.Version == version)
        {
            return Task.FromResult(cached.Listing);
        }

        var offers = _offers.Values.Select(offer =>
        {
            var held = market.Cloud.Held(Id, offer.OfferId);
            return held == 0 ? offer : offer with { Available = Math.Max(0, offer.Available - held) };
        });
        var listing = new OfferListing([.. offers], _skipped.ToImmutableSortedDictionary(StringComparer.Ordinal));
        _cached = (version, listing);
        return Task.FromResult(listing);
    }

    public async Task<AllocateOutcome> AllocateAsync(AllocationRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!_offers.TryGetValue(request.Offer.OfferId, out var offer))
        {
            return SimulatedFailures.UnknownOffer(request.Offer.OfferId);
        }

        var real = request with { Offer = offer };
        var behaviour = market.BehaviourFor(real);
        var (asked, isNew) = Ask(real, behaviour);
        if (asked is null)
        {
            await market.Clock.Delay(behaviour.AllocateLatency, cancellationToken);
            return behaviour.QuotaExceeded
                ? SimulatedFailures.QuotaExceeded(Id.Value)
                : SimulatedFailures.OutOfStock(offer.OfferId);
        }

        var outcome = await AnswerAsync(asked, cancellationToken);
        return isNew && behaviour.FailAfterEffect && outcome.IsAllocated
            ? throw new HttpRequestException(
                $"simulated: the connection to {Id} was lost after the request took effect"
            )
            : outcome;
    }

    public Task<Allocation?> FindAsync(AllocationKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var now = market.Clock.GetUtcNow();
        var record = market.Cloud.Find(key.Value);
        return Task.FromResult(
            record is not null && IsOurs(record) && record.IsHeld(now)
                ? record.ToAllocation(now, market.RuntimeBase)
                : null
        );
    }

    public Task<string> ReadOutputAsync(AllocationKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var now = market.Clock.GetUtcNow();
        var record = market.Cloud.Find(key.Value);
        return Task.FromResult(record is not null && IsOurs(record) && record.IsHeld(now) ? record.OutputAt(now) : "");
    }

    public Task<IReadOnlyList<Allocation>> ListAllocationsAsync(string cluster, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var now = market.Clock.GetUtcNow();
        var held = market.Cloud.List(record =>
            IsOurs(record) && record.IsHeld(now) && string.Equals(record.Cluster, cluster, StringComparison.Ordinal)
        );
        return Task.FromResult<IReadOnlyList<Allocation>>([
            .. held.Select(record => record.ToAllocation(now, market.RuntimeBase)),
        ]);
    }

    public Task<ReleaseOutcome> ReleaseAsync(AllocationKey key, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var now = market.Clock.GetUtcNow();
        var record = market.Cloud.Change(
            key.Value,
            default,
            (before, _) =>
            {
                if (before is null)
                {
                    // No request with this key yet. The tombstone rejects all later ones, also a request that is only
                    // late.
                    return new SimulatedRecord
                    {
                        Key = key.Value,
                        Provider = Id.Value,
                        AskedAt = now,
                        GoneAt = now,
                    };
                }

                if (before.GoneAt is not null || !IsOurs(before))
                {
                    return null;
                }

                return before with
                {
                    GoneAt = before.IsHeld(now) ? now + before.ReleaseTime : now,
                };
            }
        );
        var pending = record is not null && IsOurs(record) && !record.IsGone(now);
        return Task.FromResult(pending ? ReleaseOutcome.Pending : ReleaseOutcome.Released);
    }

    public async IAsyncEnumerable<Allocation> WatchAsync(
        string cluster,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        using var view = market.Watch.Open(Id, cluster);
        await foreach (var allocation in view.Changes(cancellationToken))
        {
            yield return allocation;
        }
    }

    internal void Add(Offer? offer, string? skipped)
    {
        var reason = skipped ?? (_offers.TryAdd(offer!.OfferId, offer) ? null : "duplicate_id");
        if (reason is not null)
        {
            _skipped[reason] = _skipped.GetValueOrDefault(reason) + 1;
        }
    }

    internal void Close(int unreadableRows)
    {
        if (unreadableRows > 0)
        {
            _skipped["unreadable"] = unreadableRows;
        }
    }

    private bool IsOurs(SimulatedRecord record) => string.Equals(record.Provider, Id.Value, StringComparison.Ordinal);

    /// <summary>Adds the request to the cloud or finds its record; null if the cloud rejects it.</summary>
    private (SimulatedRecord? Record, bool IsNew) Ask(AllocationRequest request, SimulatedBehaviour behaviour)
    {
        var isNew = false;
        var record = market.Cloud.Change(
            request.Key.Value,
            (Id.Value, request.Offer.OfferId),
            (before, taken) =>
            {
                if (
                    before is not null
                    || behaviour.OutOfStock
                    || behaviour.QuotaExceeded
                    || taken >= request.Offer.Available
                )
                {
                    return null;
                }

                isNew = true;
                return SimulatedRecord.Planned(request, behaviour, market.Clock.GetUtcNow());
            }
        );
        return (record, isNew);
    }

    /// <summary>Waits for the cloud's answer. Cancelling the wait changes nothing in the cloud.</summary>
    private async Task<AllocateOutcome> AnswerAsync(SimulatedRecord asked, CancellationToken cancellationToken)
    {
        var record = asked;
        Task? change = null;
        while (true)
        {
            if (record is null || record.GoneAt is not null || !IsOurs(record))
            {
                return SimulatedFailures.CalledOff(asked.Key);
            }

            var now = market.Clock.GetUtcNow();
            if (record.AnswersAt <= now)
            {
                return AllocateOutcome.Allocated(record.ToAllocation(now, market.RuntimeBase));
            }

            var wait = record.AnswersAt - now ?? Timeout.InfiniteTimeSpan;
            if (market.Cloud.IsShared && (wait == Timeout.InfiniteTimeSpan || wait > PollInterval))
            {
                wait = PollInterval;
            }

            if (change is not null)
            {
                await market.Clock.WhenOrAfter(change, wait, cancellationToken);
            }

            // Subscribes before reading the record, so that no change is missed in between.
            change = market.Cloud.NextChangeOf(asked.Key);
            record = market.Cloud.Find(asked.Key);
        }
    }
}
