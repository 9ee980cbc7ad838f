using k8s.Models;

namespace Scheduler.Providers.Kubernetes;

/// <summary>Amounts of resources in the units of Kubernetes: cores, bytes, devices.</summary>
internal static class NodeAmounts
{
    /// <summary>A larger amount is an error in the data.</summary>
    private const decimal Most = 1e18m;

    /// <summary>0 for a missing or negative amount.</summary>
    internal static decimal Of(IDictionary<string, ResourceQuantity>? amounts, string name) =>
        amounts?.TryGetValue(name, out var amount) == true ? Math.Clamp(amount.ToDecimal(), 0, Most) : 0;

    /// <summary>
    /// What the scheduler of the cluster reserves for a pod: the sum of its containers or its largest init container, whichever
    /// is more, and the overhead of its runtime class.
    /// </summary>
    internal static decimal RequestOf(V1Pod pod, string name)
    {
        var starting = pod.Spec.InitContainers ?? [];
        // An init container that restarts runs beside the others until the end.
        var lasting =
            (pod.Spec.Containers ?? []).Sum(container => RequestOf(container, name))
            + starting.Where(IsSidecar).Sum(container => RequestOf(container, name));
        var largest = starting
            .Where(one => !IsSidecar(one))
            .Select(one => RequestOf(one, name))
            .DefaultIfEmpty(0)
            .Max();
        return Math.Max(lasting, largest) + Of(pod.Spec.Overhead, name);
    }

    private static bool IsSidecar(V1Container container) =>
        string.Equals(container.RestartPolicy, "Always", StringComparison.Ordinal);

    /// <summary>A limit without a request is the request too.</summary>
    private static decimal RequestOf(V1Container container, string name) =>
        container.Resources?.Requests?.ContainsKey(name) == true
            ? Of(container.Resources.Requests, name)
            : Of(container.Resources?.Limits, name);
}
