using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;

namespace Scheduler.Grains.Instances;

/// <summary>
/// Compares a provider's own list with our records, both ways: what nobody owns is released after a safety age (INV-02), what an instance
/// means to use but the provider holds no more fails that instance, and what changed unseen is told.
/// </summary>
internal sealed partial class AllocationSweep(
    IInstanceIndex index,
    IOptions<SchedulerOptions> options,
    TimeProvider clock,
    ILogger<AllocationSweep> logger
)
{
    private const int Page = 1000;

    /// <summary>One sweep.</summary>
    public async Task RunAsync(IProvider provider, IGrainFactory grains, CancellationToken cancellationToken)
    {
        // The instances first: what is allocated between the two readings is then in the list, not missing from it.
        var meant = await MeantAsync(provider.Id, cancellationToken);
        var held = await provider.ListAllocationsAsync(options.Value.ClusterId, cancellationToken);
        foreach (var allocation in held)
        {
            if (meant.Remove(allocation.Key))
            {
                if (allocation.Status is not (AllocationStatus.Booting or AllocationStatus.Ready))
                {
                    await grains.GetGrain<IInstanceInbox>(allocation.Tag.Instance.Value).ObservedAsync(allocation);
                }
            }
            else
            {
                await ReleaseIfNobodysAsync(provider, allocation, grains, cancellationToken);
            }
        }

        var safe = clock.Now() - options.Value.Providers.SafetyAge;
        foreach (var (key, record) in meant.Where(m => m.Value.StateSince <= safe))
        {
            // The list may lag: the provider is asked for this one before its instance fails.
            if (await provider.FindAsync(key, cancellationToken) is null)
            {
                LogVanished(record.Id, provider.Id, key);
                await grains.GetGrain<IInstanceInbox>(record.Id.Value).VanishedAsync(key);
            }
        }
    }

    private async Task<Dictionary<AllocationKey, InstanceRecord>> MeantAsync(
        ProviderId provider,
        CancellationToken cancellationToken
    )
    {
        var meant = new Dictionary<AllocationKey, InstanceRecord>();
        var query = new InstanceQuery
        {
            Provider = provider.Value,
            States = [InstanceState.Starting, InstanceState.Running],
            Limit = Page,
        };
        while (true)
        {
            var page = await index.ListAsync(query, cancellationToken);
            foreach (var record in page.Instances)
            {
                meant[record.Intent!.Key] = record;
            }

            if (page.Next is null)
            {
                return meant;
            }

            query = query with { After = page.Next };
        }
    }

    private async Task ReleaseIfNobodysAsync(
        IProvider provider,
        Allocation allocation,
        IGrainFactory grains,
        CancellationToken cancellationToken
    )
    {
        // The grain itself is asked: an intent may have been recorded after the list was read.
        if (
            clock.Now() - allocation.CreatedAt < options.Value.Providers.SafetyAge
            || await grains.GetGrain<IInstanceInbox>(allocation.Tag.Instance.Value).OwnsAsync(allocation.Key)
        )
        {
            return;
        }

        LogOrphan(provider.Id, allocation.Key, allocation.Tag.Instance);
        await provider.ReleaseAsync(allocation.Key, cancellationToken);
    }

    [LoggerMessage(
        1301,
        LogLevel.Warning,
        "Provider {Provider} holds {Key} for {Instance}, which does not own it: released"
    )]
    private partial void LogOrphan(ProviderId provider, AllocationKey key, InstanceId instance);

    [LoggerMessage(1302, LogLevel.Warning, "Instance {Instance}: {Provider} holds {Key} no more")]
    private partial void LogVanished(InstanceId instance, ProviderId provider, AllocationKey key);
}
