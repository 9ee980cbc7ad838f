using System.Globalization;
using k8s.Models;
using Microsoft.Extensions.Logging;
using Scheduler.Domain.Ids;

namespace Scheduler.Providers.Kubernetes;

/// <summary>Config maps that say which keys were released. The API server refuses a second pod of a name only while the first exists.</summary>
internal sealed partial class KubernetesTombstones(
    KubernetesClient client,
    KubernetesOptions options,
    TimeProvider clock,
    ILogger log
)
{
    private const string Kind = "scheduler/kind";
    private const string Tombstone = "tombstone";

    private static readonly TimeSpan PruneEvery = TimeSpan.FromHours(1);

    private long _prunedAt = long.MinValue;

    internal Task<bool> HasAsync(AllocationKey key, CancellationToken cancellationToken) =>
        client.HasConfigMapAsync(KubernetesNames.ObjectOf(key), cancellationToken);

    /// <summary>Refuses the key from now on. Repeated calls have no effect.</summary>
    internal Task PutAsync(AllocationKey key, CancellationToken cancellationToken) =>
        client.CreateConfigMapAsync(
            new V1ConfigMap
            {
                Metadata = new V1ObjectMeta
                {
                    Name = KubernetesNames.ObjectOf(key),
                    Labels = new Dictionary<string, string>(StringComparer.Ordinal)
                    {
                        [KubernetesNames.ManagedBy] = KubernetesNames.Scheduler,
                        [Kind] = Tombstone,
                    },
                    Annotations = new Dictionary<string, string>(StringComparer.Ordinal)
                    {
                        [KubernetesNames.Key] = key.Value,
                    },
                },
                Data = new Dictionary<string, string>(StringComparer.Ordinal)
                {
                    ["released-at"] = clock.GetUtcNow().ToString("O", CultureInfo.InvariantCulture),
                },
                Immutable = true,
            },
            cancellationToken
        );

    /// <summary>At most once an hour, deletes those that are older than the configured time.</summary>
    internal async Task PruneAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var last = Interlocked.Read(ref _prunedAt);
        if (
            (last != long.MinValue && now.UtcTicks - last < PruneEvery.Ticks)
            || Interlocked.CompareExchange(ref _prunedAt, now.UtcTicks, last) != last
        )
        {
            return;
        }

        var selector = $"{KubernetesNames.ManagedBy}={KubernetesNames.Scheduler},{Kind}={Tombstone}";
        var count = 0;
        foreach (var map in await client.ListConfigMapsAsync(selector, cancellationToken))
        {
            if (
                map.Metadata.CreationTimestamp is { } made
                && now.UtcDateTime - made.ToUniversalTime() > options.KeepTombstones
            )
            {
                await client.DeleteConfigMapAsync(map.Metadata.Name, cancellationToken);
                count++;
            }
        }

        if (count > 0)
        {
            LogPruned(count, options.Id);
        }
    }

    [LoggerMessage(6404, LogLevel.Information, "Deleted {Count} old tombstones of released keys at {Provider}")]
    private partial void LogPruned(int count, string provider);
}
