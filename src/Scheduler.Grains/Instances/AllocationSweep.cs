using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Providers;
using Scheduler.Grains.Telemetry;

namespace Scheduler.Grains.Instances;

/// <summary>
/// Compares a provider's own list with our records, in both directions. An allocation without an owner is released after a safety age
/// (INV-02). An instance whose allocation the provider no longer holds fails. A status that an instance has missed is reported to it.
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

    public async Task RunAsync(IProvider provider, IGrainFactory grains, CancellationToken cancellationToken)
    {
        // Instances are read first: an allocation that is made between the two reads is then in the list, not missing from it.
        var expected = await ReadExpectedAsync(provider.Id, cancellationToken);
        var held = await provider.ListAllocationsAsync(options.Value.ClusterId, cancellationToken);
        foreach (var allocation in held)
        {
            await TryAsync(
                provider,
                allocation.Key,
                () =>
                    expected.Remove(allocation.Key)
                        ? ReportAsync(allocation, grains)
                        : ReleaseIfUnownedAsync(provider, allocation, grains, cancellationToken),
                cancellationToken
            );
        }

        var safe = clock.Now() - options.Value.Providers.SafetyAge;
        foreach (var (key, record) in expected.Where(entry => entry.Value.StateSince <= safe))
        {
            await TryAsync(
                provider,
                key,
                () => FailIfVanishedAsync(provider, key, record.Id, grains, cancellationToken),
                cancellationToken
            );
        }
    }

    /// <summary>A failure for one allocation must not prevent the sweep of the others; the next sweep tries it again.</summary>
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

    private static Task ReportAsync(Allocation allocation, IGrainFactory grains) =>
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
        // The list may lag: this allocation is read by its key before its instance fails.
        if (await provider.FindAsync(key, cancellationToken) is null)
        {
            LogVanished(instance, provider.Id, key);
            metrics.SweepFound(provider.Id, SchedulerMetrics.Vanished);
            await grains.GetGrain<IInstanceInbox>(instance.Value).VanishedAsync(key);
        }
    }

    private async Task<Dictionary<AllocationKey, InstanceRecord>> ReadExpectedAsync(
        ProviderId provider,
        CancellationToken cancellationToken
    )
    {
        var expected = new Dictionary<AllocationKey, InstanceRecord>();
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
                expected[record.Intent!.Key] = record;
            }

            if (page.Next is null)
            {
                return expected;
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
        // The grain decides: its intent may have been recorded after the list was read.
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
        "Provider {Provider} holds {Key} for {Instance}, which does not own it; releasing it"
    )]
    private partial void LogOrphan(ProviderId provider, AllocationKey key, InstanceId instance);

    [LoggerMessage(
        1302,
        LogLevel.Warning,
        "Instance {Instance}: {Provider} no longer holds {Key}; failing the instance"
    )]
    private partial void LogVanished(InstanceId instance, ProviderId provider, AllocationKey key);

    [LoggerMessage(1303, LogLevel.Error, "Sweep of {Provider} failed for {Key}; retrying at the next sweep")]
    private partial void LogPutOff(Exception exception, ProviderId provider, AllocationKey key);
}
