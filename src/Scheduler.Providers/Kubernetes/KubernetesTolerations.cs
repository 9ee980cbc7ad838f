using k8s.Models;

namespace Scheduler.Providers.Kubernetes;

/// <summary>Taints that pods of runtimes tolerate.</summary>
internal static class KubernetesTolerations
{
    /// <summary>
    /// GPU nodes often have a taint with the name of their resource. Spot nodes of Azure and GKE have one with the name of
    /// their label.
    /// </summary>
    internal static List<V1Toleration> Of(
        KubernetesOptions options,
        bool isSpot,
        IEnumerable<KubernetesTolerationOptions> more
    )
    {
        var all = new List<V1Toleration> { Any(NodeGpus.Nvidia), Any(NodeGpus.Amd) };
        if (isSpot)
        {
            all.AddRange(NodeRoom.SpotLabels.Select(label => Any(label.Key)));
        }

        all.AddRange(options.Tolerations.Concat(more).Select(Configured));
        return all;
    }

    /// <summary>Whether a taint keeps no such pod away; one that only prefers other nodes never does.</summary>
    internal static bool Tolerate(IEnumerable<V1Toleration> tolerations, V1Taint taint) =>
        taint.Effect == "PreferNoSchedule"
        || tolerations.Any(one =>
            one.Key == taint.Key
            && (string.IsNullOrEmpty(one.Effect) || one.Effect == taint.Effect)
            && (one.OperatorProperty == "Exists" || one.Value == (taint.Value ?? ""))
        );

    private static V1Toleration Any(string key) => new() { Key = key, OperatorProperty = "Exists" };

    private static V1Toleration Configured(KubernetesTolerationOptions one) =>
        new()
        {
            Key = one.Key,
            OperatorProperty = one.Value is null ? "Exists" : "Equal",
            Value = one.Value,
            Effect = one.Effect,
        };
}
