using System.Collections.Frozen;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Shadeform;

/// <summary>Rents machines from the clouds behind Shadeform, with one key for all of them.</summary>
/// <remarks>
/// Shadeform has no idempotency key. <see cref="FencedAllocations"/> keeps one machine per key, by its name. The status is that of the
/// machine: the end of the container and its output are not to be seen, so a runtime is never said to have exited.
/// </remarks>
internal sealed class ShadeformProvider(
    ShadeformOptions options,
    ShadeformClient client,
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
            ShadeformMapping.AddOffers(offers, type, options, resolver);
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
