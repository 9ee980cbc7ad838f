using k8s.Models;

namespace Scheduler.Providers.Kubernetes;

/// <summary>What the events about a pod prove. They are hints: a cluster may lose them, and keeps them for about an hour.</summary>
internal static class PodEvents
{
    /// <summary>Reasons that tell why a pod is gone, the best evidence first. <c>Killing</c> and <c>FailedScheduling</c> prove nothing.</summary>
    private static readonly string[] GoneReasons =
    [
        "Preempted",
        "Evicted",
        "DeletingNode",
        "TaintManagerEviction",
        "NodeShutdown",
        "NodeNotReady",
    ];

    /// <summary>Failed pulls of the pod's image, and the registry's words about the last one; null without them.</summary>
    internal static (int Count, string? Cause) FailedPulls(IEnumerable<Corev1Event> events, string uid)
    {
        var failed = Of(events, uid)
            .Where(one =>
                one.Reason == "Failed"
                && one.Message?.Contains("pull image", StringComparison.OrdinalIgnoreCase) == true
            )
            .ToList();
        return (failed.Sum(CountOf), failed.LastOrDefault()?.Message);
    }

    /// <summary>Kubernetes' own words about the removal of a pod.</summary>
    internal static string WhyGone(IReadOnlyList<Corev1Event> events, string uid)
    {
        var ours = Of(events, uid).ToList();
        var why = GoneReasons
            .Select(reason => ours.LastOrDefault(one => one.Reason == reason))
            .FirstOrDefault(one => one is not null);
        return why is null
            ? "PodGone: the pod was deleted, and no event of the cluster says why"
            : KubernetesFailures.Words($"{why.Reason}: {why.Message}");
    }

    /// <summary>Whether an autoscaler makes a node for the pod.</summary>
    /// <returns>True if it will, false with its words if it will not, null if none has answered.</returns>
    internal static (bool? IsComing, string Words) Autoscaler(IEnumerable<Corev1Event> events, string uid)
    {
        bool? isComing = null;
        var words = "";
        foreach (var one in Of(events, uid))
        {
            var (answer, isAnswer) = one.Reason switch
            {
                "TriggeredScaleUp" or "Nominated" => (true, true),
                "NotTriggerScaleUp" => (false, true),
                "FailedScheduling" when IsKarpenter(one) => (false, true),
                _ => (false, false),
            };
            if (isAnswer)
            {
                (isComing, words) = (answer, one.Message ?? one.Reason);
            }
        }

        return (isComing, words);
    }

    private static bool IsKarpenter(Corev1Event one) =>
        "karpenter".Equals(one.Source?.Component, StringComparison.Ordinal)
        || "karpenter".Equals(one.ReportingComponent, StringComparison.Ordinal);

    private static IEnumerable<Corev1Event> Of(IEnumerable<Corev1Event> events, string uid) =>
        events.Where(one => string.IsNullOrEmpty(one.InvolvedObject?.Uid) || one.InvolvedObject.Uid == uid);

    private static int CountOf(Corev1Event one) => Math.Max(one.Count ?? 1, one.Series?.Count ?? 1);
}
