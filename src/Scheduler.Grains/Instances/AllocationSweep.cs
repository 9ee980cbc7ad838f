using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Grains.Instances;

/// <summary>
/// Compares a provider's own list with our records, both ways: what nobody owns is released after a safety age (INV-02), what an instance
/// means to use but the provider holds no more fails that instance, and what changed unseen is told.
/// </summary>
internal sealed partial class AllocationSweep(
    IInstanceIndex index,
    IOptions<SchedulerOptions> options,
    SchedulerMetrics metrics,
    TimeProvider clock,
    ILogger<AllocationSweep> logger
)
{
    private const int Page = 1000;

    /// <summary>One sweep.</summary>
    public async Task RunAsync(IProvider provider, IGrainFactory grains, CancellationToken cancellationToken)
    {
        // The instances first: what is allocated between the two readings is then in the list, not missing from it.
        var intended = await IntendedAsync(provider.Id, cancellationToken);
        var held = await provider.ListAllocationsAsync(options.Value.ClusterId, cancellationToken);
        foreach (var allocation in held)
        {
            await TryAsync(
                provider,
                allocation.Key,
                () =>
                    intended.Remove(allocation.Key)
                        ? ReportEndAsync(allocation, grains)
                        : ReleaseIfUnownedAsync(provider, allocation, grains, cancellationToken),
                cancellationToken
            );
        }

        var safe = clock.Now() - options.Value.Providers.SafetyAge;
        foreach (var (key, record) in intended.Where(m => m.Value.StateSince <= safe))
        {
            await TryAsync(
                provider,
                key,
                () => FailIfVanishedAsync(provider, key, record.Id, grains, cancellationToken),
                cancellationToken
            );
        }
    }

    /// <summary>One allocation that cannot be handled must not keep the sweep from the others; the next sweep comes back to it.</summary>
    private async Task TryAsync(
        IProvider provider,
        AllocationKey key,
        Func<Task> what,
        CancellationToken cancellationToken
    )
    {
        try
        {
            await what();
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogPutOff(exception, provider.Id, key);
            metrics.SweepFound(provider.Id, SchedulerMetrics.PutOff);
        }
    }

    private static Task ReportEndAsync(Allocation allocation, IGrainFactory grains) =>
        allocation.Status is AllocationStatus.Booting or AllocationStatus.Ready
            ? Task.CompletedTask
            : grains.GetGrain<IInstanceInbox>(allocation.Tag.Instance.Value).ObservedAsync(allocation);

    private async Task FailIfVanishedAsync(
        IProvider provider,
        AllocationKey key,
        InstanceId instance,
        IGrainFactory grains,
        CancellationToken cancellationToken
    )
    {
        // The list may lag: the provider is asked for this one before its instance fails.
        if (await provider.FindAsync(key, cancellationToken) is null)
        {
            LogVanished(instance, provider.Id, key);
            metrics.SweepFound(provider.Id, SchedulerMetrics.Vanished);
            await grains.GetGrain<IInstanceInbox>(instance.Value).VanishedAsync(key);
        }
    }

    private async Task<Dictionary<AllocationKey, InstanceRecord>> IntendedAsync(
        ProviderId provider,
        CancellationToken cancellationToken
    )
    {
        var intended = new Dictionary<AllocationKey, InstanceRecord>();
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
                intended[record.Intent!.Key] = record;
            }

            if (page.Next is null)
            {
                return intended;
            }

            query = query with { After = page.Next };
        }
    }

    private async Task ReleaseIfUnownedAsync(
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
        metrics.SweepFound(provider.Id, SchedulerMetrics.Orphan);
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

    [LoggerMessage(1303, LogLevel.Error, "Sweeping {Provider}: {Key} could not be handled; the next sweep tries again")]
    private partial void LogPutOff(Exception exception, ProviderId provider, AllocationKey key);
}
