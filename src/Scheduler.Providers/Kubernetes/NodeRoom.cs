using k8s.Models;

namespace Scheduler.Providers.Kubernetes;

/// <summary>A node that runtimes can use, and what is free on it.</summary>
/// <param name="HasRegionLabel">Whether the region is the node's label and not the configured default.</param>
/// <param name="SpotLabel">Label that says that the node may be taken back; null for other nodes.</param>
/// <param name="FreePods">Pods that the node still takes.</param>
internal sealed record NodeRoom(
    string Name,
    NodeGpu Gpu,
    string Region,
    bool HasRegionLabel,
    (string Key, string Value)? SpotLabel,
    decimal FreeGpus,
    decimal FreeCores,
    decimal FreeBytes,
    decimal FreePods
)
{
    private const string RegionLabel = "topology.kubernetes.io/region";
    private const decimal BytesPerGib = 1L << 30;

    /// <summary>Labels of nodes that their cloud may take back.</summary>
    internal static readonly (string Key, string Value)[] SpotLabels =
    [
        ("karpenter.sh/capacity-type", "spot"),
        ("cloud.google.com/gke-spot", "true"),
        ("cloud.google.com/gke-preemptible", "true"),
        ("eks.amazonaws.com/capacityType", "SPOT"),
        ("kubernetes.azure.com/scalesetpriority", "spot"),
    ];

    internal bool IsSpot => SpotLabel is not null;

    /// <summary>How many pods with a number of GPUs still fit.</summary>
    internal int Fitting(int gpus, KubernetesOptions options)
    {
        var fits = Math.Min(FreePods, Math.Floor(FreeGpus / gpus));
        var cores = options.CpuPerGpu * gpus;
        var bytes = options.MemoryGibPerGpu * BytesPerGib * gpus;
        fits = cores > 0 ? Math.Min(fits, Math.Floor(FreeCores / cores)) : fits;
        fits = bytes > 0 ? Math.Min(fits, Math.Floor(FreeBytes / bytes)) : fits;
        return (int)Math.Clamp(fits, 0, 1024);
    }

    /// <summary>The node's room, or the reason why no runtime can use it; neither for a node without GPUs.</summary>
    internal static (NodeRoom? Room, string? Skipped) Of(
        V1Node node,
        IEnumerable<V1Pod> bound,
        KubernetesOptions options,
        GpuNameResolver resolver
    )
    {
        var labels = node.Metadata.Labels ?? new Dictionary<string, string>(StringComparer.Ordinal);
        if (options.NodeSelector.Any(wanted => !labels.TryGetValue(wanted.Key, out var value) || value != wanted.Value))
        {
            return (null, null);
        }

        var (gpu, skipped) = NodeGpus.Read(node, options, resolver);
        if (gpu is null)
        {
            return (null, skipped);
        }

        var spot = SpotOf(labels);
        if (UnusableBecause(node, spot is not null, options) is { } reason)
        {
            return (null, reason);
        }

        var hasRegion = labels.TryGetValue(RegionLabel, out var region) && region.Length is > 0 and <= 63;
        var pods = bound.ToList();
        decimal Free(string name) =>
            NodeAmounts.Of(node.Status.Allocatable, name) - pods.Sum(pod => NodeAmounts.RequestOf(pod, name));
        return (
            new NodeRoom(
                node.Metadata.Name,
                gpu,
                hasRegion ? region! : options.Region,
                hasRegion,
                spot,
                Free(gpu.Resource),
                Free("cpu"),
                Free("memory"),
                NodeAmounts.Of(node.Status.Allocatable, "pods") - pods.Count
            ),
            null
        );
    }

    private static (string Key, string Value)? SpotOf(IDictionary<string, string> labels)
    {
        foreach (var (key, value) in SpotLabels)
        {
            if (labels.TryGetValue(key, out var has) && string.Equals(has, value, StringComparison.OrdinalIgnoreCase))
            {
                return (key, has);
            }
        }

        return null;
    }

    private static string? UnusableBecause(V1Node node, bool isSpot, KubernetesOptions options)
    {
        var ready = node.Status.Conditions?.FirstOrDefault(condition => condition.Type == "Ready");
        if (ready?.Status != "True")
        {
            return "node_not_ready";
        }

        if (node.Spec?.Unschedulable == true)
        {
            return "node_cordoned";
        }

        var tolerations = KubernetesTolerations.Of(options, isSpot, []);
        return (node.Spec?.Taints ?? []).Any(taint => !KubernetesTolerations.Tolerate(tolerations, taint))
            ? "node_tainted"
            : null;
    }
}
