using k8s.Models;
using Scheduler.Domain.Providers;

namespace Scheduler.Providers.Kubernetes;

/// <summary>The pods that one watcher knows, and what it was told of them.</summary>
internal sealed class WatchedPods(string cluster)
{
    private readonly Dictionary<string, V1Pod> _pods = new(StringComparer.Ordinal);
    private readonly HashSet<string> _changed = new(StringComparer.Ordinal);
    private readonly Dictionary<string, AllocationStatus> _reported = new(StringComparer.Ordinal);
    private DateTimeOffset _lookedAt = DateTimeOffset.MinValue;

    /// <returns>Whether the pod is gone and belonged to this cluster tag.</returns>
    internal bool Apply(PodChange change)
    {
        var (pod, isGone) = change;
        if (KubernetesNames.OwnerOf(pod.Metadata)?.Tag.Cluster != cluster)
        {
            return false;
        }

        var name = pod.Metadata.Name;
        if (isGone)
        {
            _pods.Remove(name);
            _changed.Remove(name);
            foreach (
                var id in _reported.Keys.Where(id => id.EndsWith(pod.Metadata.Uid, StringComparison.Ordinal)).ToList()
            )
            {
                _reported.Remove(id);
            }

            return true;
        }

        _pods[name] = pod;
        _changed.Add(name);
        return false;
    }

    /// <summary>
    /// Pods to look at now: those that changed, and once an interval all whose state can change without an event. A pod that no
    /// node has taken is none: it is not yet an allocation.
    /// </summary>
    internal List<V1Pod> TakeDue(DateTimeOffset now, TimeSpan every)
    {
        var isRound = now - _lookedAt >= every;
        _lookedAt = isRound ? now : _lookedAt;
        var due = _pods
            .Where(entry => (isRound || _changed.Contains(entry.Key)) && PodReading.Of(entry.Value).IsTaken)
            .Select(entry => entry.Value)
            .ToList();
        _changed.Clear();
        return due;
    }

    /// <summary>Whether the status differs from the reported one; it counts as reported from now on.</summary>
    internal bool IsNews(Allocation allocation)
    {
        var id = allocation.ProviderAllocationId;
        var isNews = !_reported.TryGetValue(id, out var before) || before != allocation.Status;
        if (_pods.ContainsKey(KubernetesNames.ObjectOf(allocation.Key)))
        {
            _reported[id] = allocation.Status;
        }

        return isNews;
    }
}
