using System.Globalization;
using k8s.Models;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;

namespace Scheduler.Providers.Kubernetes;

/// <summary>Maps nodes and pools to offers.</summary>
internal static class KubernetesMapping
{
    private const string RegionLabel = "topology.kubernetes.io/region";

    /// <summary>No region can start like this: label values have no colon.</summary>
    private const string PoolPrefix = "pool:";

    /// <summary>EUR of one GPU per hour; null without a configured price.</summary>
    internal static decimal? PriceOf(KubernetesOptions options, string gpuType, bool isSpot) =>
        isSpot && options.SpotPrices.TryGetValue(gpuType, out var spot) ? spot
        : options.Prices.TryGetValue(gpuType, out var price) ? price
        : null;

    /// <summary>What the offers of the same nodes have in common: their ids differ only in the number of GPUs.</summary>
    internal static string GroupOf(NodeRoom room) =>
        $"{room.Region}/{(room.IsSpot ? "spot" : "on-demand")}/{room.Gpu.Type}";

    internal static string GroupOf(string pool, KubernetesPoolOptions options) =>
        $"{PoolPrefix}{pool}/{options.GpuType}";

    internal static string GroupOf(string offerId) =>
        offerId.LastIndexOf(':') is var end and > 0 ? offerId[..end] : offerId;

    internal static bool IsOfPool(string offerId) => offerId.StartsWith(PoolPrefix, StringComparison.Ordinal);

    internal static Offer OfferOf(
        KubernetesOptions options,
        string group,
        int count,
        string region,
        string gpuType,
        bool isSpot,
        decimal pricePerGpu,
        decimal available
    ) =>
        new(
            new ProviderId(options.Id),
            string.Create(CultureInfo.InvariantCulture, $"{group}:{count}"),
            region,
            gpuType,
            count,
            options.Tier,
            isSpot,
            MicroEuro.CeilingFromEuros(pricePerGpu * count),
            (int)Math.Clamp(available, 0, 100_000),
            EncryptedPath: options.EncryptedPath
        );

    /// <summary>
    /// Requirements that the nodes of an offer fulfil and other nodes do not: one term for each label that named the GPU.
    /// They name labels and not nodes, so that a node which comes later can take the pod too.
    /// </summary>
    internal static IReadOnlyList<V1NodeSelectorTerm> TermsOf(
        IReadOnlyList<NodeRoom> rooms,
        KubernetesOptions options
    ) =>
        [
            .. rooms
                .GroupBy(room => (room.Gpu.Label, room.HasRegionLabel, room.SpotLabel))
                .Select(alike => new V1NodeSelectorTerm
                {
                    MatchExpressions =
                    [
                        In(alike.Key.Label, alike.Select(room => room.Gpu.Value)),
                        alike.Key.HasRegionLabel
                            ? In(RegionLabel, [alike.First().Region])
                            : new V1NodeSelectorRequirement { Key = RegionLabel, OperatorProperty = "DoesNotExist" },
                        .. SpotOnly(alike.Key.SpotLabel),
                        .. NodeGpus.WholeOnly(alike.First().Gpu.Resource),
                        .. options.NodeSelector.Select(wanted => In(wanted.Key, [wanted.Value])),
                    ],
                }),
        ];

    internal static V1NodeSelectorTerm TermOf(KubernetesPoolOptions pool) =>
        new() { MatchExpressions = [.. pool.Selector.Select(wanted => In(wanted.Key, [wanted.Value]))] };

    private static IEnumerable<V1NodeSelectorRequirement> SpotOnly((string Key, string Value)? spot) =>
        spot is { } label
            ? [In(label.Key, [label.Value])]
            : NodeRoom.SpotLabels.Select(known => new V1NodeSelectorRequirement
            {
                Key = known.Key,
                OperatorProperty = "NotIn",
                Values = [known.Value],
            });

    private static V1NodeSelectorRequirement In(string key, IEnumerable<string> values) =>
        new()
        {
            Key = key,
            OperatorProperty = "In",
            Values = [.. values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)],
        };
}
