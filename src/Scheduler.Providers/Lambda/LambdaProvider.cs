using System.Collections.Frozen;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Lambda;

/// <summary>Rents machines from Lambda over its Cloud API v1, and starts one container on each.</summary>
/// <remarks>
/// Lambda has no idempotency key, no containers and no logs. <see cref="FencedAllocations"/> keeps one machine per key. The end of a
/// runtime is not visible: it is booting or unhealthy, and never exited.
/// </remarks>
internal sealed class LambdaProvider(
    LambdaOptions options,
    LambdaClient client,
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
        foreach (var type in await client.ListTypesAsync(cancellationToken))
        {
            LambdaMapping.AddOffers(offers, type, options, resolver);
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
        // The machines stay: the next process of the scheduler finds them in the journal and in the list.
        allocations.Dispose();
        api.Dispose();
    }
}
