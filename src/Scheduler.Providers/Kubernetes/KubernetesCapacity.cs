using System.Collections.Immutable;
using k8s.Models;
using Scheduler.Domain.Placement;

namespace Scheduler.Providers.Kubernetes;

/// <summary>What the cluster can take now: the free GPUs of its nodes, and the nodes that configured pools can still make.</summary>
internal sealed class KubernetesCapacity(KubernetesOptions options, GpuNameResolver resolver)
{
    private static readonly int[] Counts = [1, 2, 4, 8];

    internal CapacityView Of(IReadOnlyList<V1Node> nodes, IReadOnlyList<V1Pod> pods)
    {
        var skipped = new SortedDictionary<string, int>(StringComparer.Ordinal);
        var byNode = pods.Where(pod => !string.IsNullOrEmpty(pod.Spec.NodeName))
            .ToLookup(pod => pod.Spec.NodeName, StringComparer.Ordinal);
        var rooms = new List<NodeRoom>();
        foreach (var node in nodes)
        {
            var (room, reason) = NodeRoom.Of(node, byNode[node.Metadata.Name], options, resolver);
            if (reason is not null)
            {
                skipped[reason] = skipped.GetValueOrDefault(reason) + 1;
            }
            else if (room is not null)
            {
                rooms.Add(room);
            }
        }

        var waiting = WaitingGpus(pods);
        var offers = rooms
            .GroupBy(room => (room.Gpu.Resource, room.Gpu.Type, room.Region, room.IsSpot))
            .OrderBy(group => group.Key.Region, StringComparer.Ordinal)
            .ThenBy(group => group.Key.Type, StringComparer.Ordinal)
            .SelectMany(group => OffersOf([.. group], waiting, skipped))
            .Concat(
                options
                    .Pools.OrderBy(pool => pool.Key, StringComparer.Ordinal)
                    .SelectMany(pool => OffersOf(pool.Key, pool.Value, nodes, waiting, skipped))
            );
        return new CapacityView(
            offers.ToImmutableDictionary(offer => offer.Offer.OfferId, StringComparer.Ordinal),
            skipped.ToImmutableSortedDictionary(StringComparer.Ordinal)
        );
    }

    private IEnumerable<KubernetesOffer> OffersOf(
        IReadOnlyList<NodeRoom> rooms,
        Dictionary<string, decimal> waiting,
        SortedDictionary<string, int> skipped
    )
    {
        var first = rooms[0];
        if (KubernetesMapping.PriceOf(options, first.Gpu.Type, first.IsSpot) is not { } price)
        {
            skipped["no_price"] = skipped.GetValueOrDefault("no_price") + rooms.Count;
            yield break;
        }

        var group = KubernetesMapping.GroupOf(first);
        var placement = new PodPlacement(
            first.Gpu.Resource,
            KubernetesMapping.TermsOf(rooms, options),
            KubernetesTolerations.Of(options, first.IsSpot, [])
        );
        foreach (var count in Counts.Where(count => rooms.Any(room => room.Gpu.Count >= count)))
        {
            var fitting = rooms.Sum(room => room.Fitting(count, options));
            var available = fitting - Math.Ceiling(waiting.GetValueOrDefault(group) / count);
            yield return new KubernetesOffer(
                KubernetesMapping.OfferOf(
                    options,
                    group,
                    count,
                    first.Region,
                    first.Gpu.Type,
                    first.IsSpot,
                    price,
                    available
                ),
                placement,
                Pool: null
            );
        }
    }

    private IEnumerable<KubernetesOffer> OffersOf(
        string name,
        KubernetesPoolOptions pool,
        IReadOnlyList<V1Node> nodes,
        Dictionary<string, decimal> waiting,
        SortedDictionary<string, int> skipped
    )
    {
        if ((pool.PricePerGpuHour ?? KubernetesMapping.PriceOf(options, pool.GpuType, pool.Spot)) is not { } price)
        {
            skipped["no_price"] = skipped.GetValueOrDefault("no_price") + 1;
            yield break;
        }

        var group = KubernetesMapping.GroupOf(name, pool);
        var existing = nodes.Count(node =>
            pool.Selector.All(wanted =>
                node.Metadata.Labels?.TryGetValue(wanted.Key, out var value) == true && value == wanted.Value
            )
        );
        var free = (Math.Max(0, pool.Max - existing) * pool.GpuCount) - waiting.GetValueOrDefault(group);
        var placement = new PodPlacement(
            pool.Resource,
            [KubernetesMapping.TermOf(pool)],
            KubernetesTolerations.Of(options, pool.Spot, pool.Tolerations)
        );
        foreach (var count in Counts.Where(count => pool.GpuCount >= count))
        {
            var perNode = pool.GpuCount / count;
            var available = Math.Floor(free / pool.GpuCount) * perNode;
            yield return new KubernetesOffer(
                KubernetesMapping.OfferOf(
                    options,
                    group,
                    count,
                    pool.Region ?? options.Region,
                    pool.GpuType,
                    pool.Spot,
                    price,
                    available
                ),
                placement,
                name
            );
        }
    }

    /// <summary>GPUs that our pods without a node ask for, by group of offers: the next of them that get free are theirs.</summary>
    private static Dictionary<string, decimal> WaitingGpus(IReadOnlyList<V1Pod> pods)
    {
        var waiting = new Dictionary<string, decimal>(StringComparer.Ordinal);
        foreach (var pod in pods.Where(pod => string.IsNullOrEmpty(pod.Spec.NodeName)))
        {
            if (KubernetesNames.AnnotationOf(pod.Metadata, KubernetesNames.OfferId) is { } offer)
            {
                var group = KubernetesMapping.GroupOf(offer);
                waiting[group] =
                    waiting.GetValueOrDefault(group)
                    + NodeAmounts.RequestOf(pod, NodeGpus.Nvidia)
                    + NodeAmounts.RequestOf(pod, NodeGpus.Amd);
            }
        }

        return waiting;
    }
}

/// <param name="Offers">By offer id; also those of which nothing is available.</param>
internal sealed record CapacityView(
    ImmutableDictionary<string, KubernetesOffer> Offers,
    ImmutableSortedDictionary<string, int> Skipped
);

/// <param name="Pool">Pool whose autoscaler makes the node; null for nodes that exist.</param>
internal sealed record KubernetesOffer(Offer Offer, PodPlacement Placement, string? Pool);

/// <summary>Which nodes a pod of an offer may get.</summary>
/// <param name="Resource">What the pod requests, for example <c>nvidia.com/gpu</c>.</param>
/// <param name="Terms">A node fulfils all requirements of one of them.</param>
internal sealed record PodPlacement(
    string Resource,
    IReadOnlyList<V1NodeSelectorTerm> Terms,
    IReadOnlyList<V1Toleration> Tolerations
);
