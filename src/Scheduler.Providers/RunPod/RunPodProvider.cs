using System.Collections.Frozen;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.RunPod;

/// <summary>Rents pods from RunPod over its REST API v2.</summary>
/// <remarks>
/// RunPod has no idempotency key, no tags, no spot and no exit codes. <see cref="FencedAllocations"/> keeps one pod per key. A container
/// that ends is started again for ever, so a falling uptime is the only sign of an exit.
/// </remarks>
internal sealed class RunPodProvider(
    RunPodOptions options,
    RunPodClient client,
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
        foreach (var cloud in options.CloudsAsked)
        {
            foreach (var count in options.CountsAsked)
            {
                foreach (var gpu in await client.ListGpusAsync(cloud, count, cancellationToken))
                {
                    RunPodMapping.AddOffers(offers, gpu, cloud, count, options, resolver);
                }
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
        // The pods stay: the next process of the scheduler finds them in the journal and in the list.
        allocations.Dispose();
        api.Dispose();
    }
}
