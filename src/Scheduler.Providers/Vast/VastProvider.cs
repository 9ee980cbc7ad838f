using System.Collections.Frozen;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Vast;

/// <summary>Rents instances from Vast, a market of hosts of others.</summary>
/// <remarks>
/// Vast has no idempotency key. <see cref="FencedAllocations"/> keeps one instance per key, by its label. An offer is one slice of one
/// machine, and slices of a machine overlap: the offer of another customer's instance disappears at any time.
/// </remarks>
internal sealed class VastProvider(
    VastOptions options,
    VastClient client,
    VendorApi api,
    FencedAllocations allocations,
    GpuNameResolver resolver
) : IProvider, IDisposable
{
    public ProviderId Id => new(options.Id);

    public FrozenSet<AccountId> OnlyFor => options.OnlyFor;

    public IEnumerable<RuntimePreset> Presets =>
        RuntimePresets.BuiltIn.Values.Where(preset => preset.Image is not null);

    public async Task<OfferListing> ListOffersAsync(CancellationToken cancellationToken)
    {
        var offers = new OfferSet();
        foreach (var isBid in (bool[])(options.Interruptible ? [false, true] : [false]))
        {
            foreach (var ask in await client.SearchAsync(isBid, cancellationToken))
            {
                VastMapping.AddOffer(offers, ask, isBid, options, resolver);
            }
        }

        return offers.ToListing();
    }

    public Task<AllocateOutcome> AllocateAsync(AllocationRequest request, CancellationToken cancellationToken) =>
        allocations.AllocateAsync(request, cancellationToken);

    public Task<Allocation?> FindAsync(AllocationKey key, CancellationToken cancellationToken) =>
        allocations.FindAsync(key, cancellationToken);

    public Task<string> ReadOutputAsync(AllocationKey key, CancellationToken cancellationToken) =>
        allocations.ReadOutputAsync(key, cancellationToken);

    public Task<IReadOnlyList<Allocation>> ListAllocationsAsync(string cluster, CancellationToken cancellationToken) =>
        allocations.ListAsync(cluster, cancellationToken);

    public Task<ReleaseOutcome> ReleaseAsync(AllocationKey key, CancellationToken cancellationToken) =>
        allocations.ReleaseAsync(key, cancellationToken);

    public IAsyncEnumerable<Allocation> WatchAsync(string cluster, CancellationToken cancellationToken) =>
        allocations.WatchAsync(cluster, cancellationToken);

    public void Dispose()
    {
        // The instances stay: the next process of the scheduler finds them in the journal and in the list.
        allocations.Dispose();
        api.Dispose();
    }
}
